/**
 * Which hosts have never answered, for all files of a run: where one file has waited for nothing, those
 * that come after it need not wait as long again. Not so where a host has answered before: that is an
 * outage, which may end while the others wait, and the one who started the run may be asleep.
 */
export class Silences {
  readonly #waitedOut = new Set<string>();
  readonly #heard = new Set<string>();

  /** A file has waited for it as long as a file waits, and nothing has ever come from it. */
  isDead(url: string): boolean {
    const { host } = new URL(url);
    return this.#waitedOut.has(host) && !this.#heard.has(host);
  }

  /** A file has waited for it as long as a file waits. */
  giveUp(url: string): void {
    this.#waitedOut.add(new URL(url).host);
  }

  /** Something has come from it, be it a refusal. */
  answered(url: string): void {
    this.#heard.add(new URL(url).host);
  }
}
