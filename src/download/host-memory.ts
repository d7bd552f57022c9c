import type { CcxriError } from '../errors.ts';
import type { Asking } from './transfer-decisions.ts';

interface HostFacts {
  asking: Asking;
  /** Failures that a file has met until it gave up. */
  readonly persistent: Set<string>;
}

/** What the hosts of a run did to one file, so that the next file does not pay for it again. */
export class HostMemory {
  readonly #hosts = new Map<string, HostFacts>();

  /** The most that a file's first request to this host should ask for. */
  askingOf(url: string): Asking {
    return this.#of(url).asking;
  }

  /** This is what the host has served, where more was refused. */
  onServed(url: string, asking: Asking): void {
    this.#of(url).asking = asking;
  }

  /** A file met this failure with every attempt. */
  onGivenUp(url: string, error: CcxriError): void {
    const key = keyOf(error);
    if (key !== undefined) this.#of(url).persistent.add(key);
  }

  /** The failure was there, and is over: it may be over for the next file as well. */
  onOver(url: string, error: CcxriError): void {
    const key = keyOf(error);
    if (key !== undefined) this.#of(url).persistent.delete(key);
  }

  /** Whether another file has met this failure until it gave up. */
  isPersistent(url: string, error: CcxriError): boolean {
    const key = keyOf(error);
    return key !== undefined && this.#of(url).persistent.has(key);
  }

  #of(url: string): HostFacts {
    const { host } = new URL(url);
    let facts = this.#hosts.get(host);
    if (facts === undefined) {
      facts = { asking: 'segment', persistent: new Set() };
      this.#hosts.set(host, facts);
    }
    return facts;
  }
}

/**
 * undefined: it says nothing of the next file. A connection breaks, and a server fails or is busy
 * (5xx, 429), whatever was asked for.
 */
function keyOf({ code, facts: { status } }: CcxriError): string | undefined {
  if (code === 'not-the-file' || code === 'file-not-at-source') return code;
  if (code !== 'http-status' || status === undefined) return undefined;
  return status < 500 && status !== 429 ? String(status) : undefined;
}
