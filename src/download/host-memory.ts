import type { CcxriError, ErrorCode } from '../errors.ts';
import type { Asking } from './transfer-decisions.ts';

/** A refusal may have been of the moment: after so many files the most is asked for again. */
const FILES_TO_REMEMBER = 8;

interface HostFacts {
  asking: Asking;
  /** Files for which `asking` still counts. */
  filesLeft: number;
  /** Failures that a file has met until it gave up. */
  readonly persistent: Set<string>;
}

/** What the hosts of a run did to one file, so that the next file does not pay for it again. */
export class HostMemory {
  readonly #hosts = new Map<string, HostFacts>();

  /** The most that the next file's first request to this host should ask for. */
  askingOf(url: string): Asking {
    const facts = this.#of(url);
    if (facts.filesLeft === 0) return 'segment';
    facts.filesLeft -= 1;
    return facts.asking;
  }

  /** This is what the host has served to a file that had asked for more. */
  onServed(url: string, asking: Asking): void {
    const facts = this.#of(url);
    facts.asking = asking;
    facts.filesLeft = FILES_TO_REMEMBER;
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
      facts = { asking: 'segment', filesLeft: 0, persistent: new Set() };
      this.#hosts.set(host, facts);
    }
    return facts;
  }
}

const SAYS_ITSELF: ReadonlySet<ErrorCode> = new Set([
  'not-the-file',
  'file-not-at-source',
  'ranges-refused',
]);

/**
 * undefined: it says nothing of the next file. A connection breaks, and a server fails or is busy
 * (5xx, 429), whatever was asked for.
 */
function keyOf({ code, facts: { status } }: CcxriError): string | undefined {
  if (SAYS_ITSELF.has(code)) return code;
  if (code !== 'http-status' || status === undefined) return undefined;
  return status < 500 && status !== 429 ? String(status) : undefined;
}
