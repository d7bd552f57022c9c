/** The time in which nothing has come from a host: it ends with the host's next answer. */
export interface Silence {
  /** A file has waited it out for as long as a file waits, and was given up. */
  waitedOut: boolean;
}

/**
 * Which hosts do not answer, for all files of a run: where one file has waited for nothing, those
 * that come after it need not wait as long again.
 */
export class Silences {
  readonly #hosts = new Map<string, Silence>();

  /** The one that the host is in; another one once it has answered. */
  of(url: string): Silence {
    const { host } = new URL(url);
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const silence: Silence = { waitedOut: false };
    this.#hosts.set(host, silence);
    return silence;
  }

  /** Something has come from it, be it a refusal. */
  answered(url: string): void {
    this.#hosts.delete(new URL(url).host);
  }
}
