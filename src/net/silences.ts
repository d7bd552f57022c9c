/** The time in which nothing has come from a host: it ends with the host's next answer. */
export interface Silence {
  /** A file has waited it out for as long as a file waits, and was given up. */
  waitedOut: boolean;
}

/**
 * Which hosts do not answer, for all files of a run: where one file has waited for nothing, those
 * that come after it need not wait as long again. Not so where a host has answered before: that is an
 * outage, which may end while the others wait, and the one who started the run may be asleep.
 */
export class Silences {
  readonly #hosts = new Map<string, Silence>();
  readonly #heard = new Set<string>();

  /** The one that the host is in; another one once it has answered. */
  of(url: string): Silence {
    const { host } = new URL(url);
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const silence: Silence = { waitedOut: false };
    this.#hosts.set(host, silence);
    return silence;
  }

  /** A file has waited for it as long as a file waits. */
  giveUp(url: string): void {
    if (!this.#heard.has(new URL(url).host)) this.of(url).waitedOut = true;
  }

  /** Something has come from it, be it a refusal. */
  answered(url: string): void {
    const { host } = new URL(url);
    this.#heard.add(host);
    this.#hosts.delete(host);
  }
}
