import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.ts';
import { freePort } from '../support/daemon.ts';
import { useProgram } from '../support/program.ts';
import { documentOf, eventsOf } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { ccxri, startCcxri, command } = useProgram();

async function startServe(more: readonly string[] = []) {
  const directory = await tempDir();
  const set = await makeDataset(directory);
  const url = `http://127.0.0.1:${await freePort()}/`;
  const { manifestPath } = set.release;
  const argv = ['serve', set.root, '--manifest', manifestPath, '--port', new URL(url).port];
  const server = startCcxri([...argv, '--ndjson', ...more]);
  await server.hasSaid(/"event":"serving"/);
  const fetchInto = (name: string) => [
    ...['fetch', '--subset', 'all', '--dest', join(directory, name), '--ndjson'],
    ...['--manifest', manifestPath, '--source', url],
  ];
  return { directory, set, url, server, fetchInto };
}

it.each(['SIGINT', 'SIGTERM'] as const)('ends with 0 by %s, with a summary', async (signal) => {
  const { server } = await startServe();
  server.kill(signal);
  const end = await server.ended;
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(eventsOf(end.stdout).at(-1)).toMatchObject({ event: 'summary', ok: true });
});

it('serves four clients at once, which are killed, resume, and have everything', async () => {
  const { server, fetchInto } = await startServe(['--max-connections', '2']);
  const names = ['a', 'b', 'c', 'd'];
  const killed = names.map((name) => startCcxri([...fetchInto(name), '--limit-rate', '20K']));
  for (const client of killed) {
    await client.hasSaid(/"event":"file-done"/);
    client.kill('SIGKILL');
  }
  expect((await Promise.all(killed.map(({ ended }) => ended))).map((end) => end.signal)).toEqual(
    names.map(() => 'SIGKILL'),
  );
  const ends = await Promise.all(names.map((name) => ccxri(fetchInto(name))));
  for (const { code, stdout, stderr } of ends) {
    expect(code, stderr).toBe(0);
    const summary = documentOf(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(summary.counts).toMatchObject({ files: 8, verified: 8, failed: 0 });
  }
  server.kill('SIGINT');
  expect((await server.ended).code).toBe(0);
});

it('lets curl, wget and aria2c resume', async () => {
  const { directory, set, url, server } = await startServe();
  const whole = await readFile(set.pathOf('ChestDx-1.zip'));
  const programs = [
    ['curl', '-sf', '-C', '-', '-o'],
    ['wget', '-q', '-c', '-O'],
    ['aria2c', '-q', '-c', '--allow-overwrite=true', '-d', directory, '-o'],
  ];
  for (const [program = '', ...args] of programs) {
    const path = join(directory, program);
    await writeFile(path, whole.subarray(0, 3000));
    const target = program === 'aria2c' ? program : path;
    const end = await command(program, [...args, target, `${url}ChestDx-1.zip`]);
    expect(end.code, `${program}: ${end.stderr}`).toBe(0);
    expect((await readFile(path)).equals(whole), program).toBe(true);
  }
  const partial = server.saidSoFar().match(/"httpStatus":206/g) ?? [];
  // aria2c resumes at whole pieces of 1 MiB, and so gets this small file anew.
  expect(partial.length).toBeGreaterThanOrEqual(2);
});
