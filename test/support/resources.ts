/**
 * Handles, sockets and timers that keep the process alive now and did not before. The runner's own
 * come and go meanwhile, so that fewer than before is no news.
 */
export function extraResources(before: readonly string[]): readonly string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter((name) => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
