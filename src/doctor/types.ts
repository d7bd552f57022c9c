import type { RunOptions } from '../dataset/session.ts';
import type { CheckRow } from '../checks.ts';

export interface DoctorOptions extends RunOptions {
  /** As of fetch. Default: the manifest's homepage. */
  readonly sources?: readonly string[] | undefined;
  /** As of fetch. */
  readonly pageUrl?: string | undefined;
  /** As of fetch. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** As of fetch. Default: none. */
  readonly headerHosts?: readonly string[] | undefined;
  /** As of fetch. Default `ccxri`. */
  readonly userAgent?: string | undefined;
  /** Default 30,000; no check takes longer than 20,000, whatever this says. */
  readonly timeoutMs?: number | undefined;
  /** What is not looked at by then is reported as such. Default 60,000. */
  readonly deadlineMs?: number | undefined;
  /** Proxy variables (HTTP_PROXY, HTTPS_PROXY, NO_PROXY in either case). Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Nothing is written, not even for a look. Default false. */
  readonly dryRun?: boolean | undefined;
  /** npm is asked, by its client, whether there is a newer ccxri: a row `version`. Default false. */
  readonly asksNewer?: boolean | undefined;
  /** `process.versions.node`. Default: Node's version is not looked at. */
  readonly nodeVersion?: string | undefined;
}

/** What decides whether a fetch will work. */
export interface DoctorResult {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** One a check, in the order network (source after source), destination, machine. */
  readonly checks: readonly CheckRow[];
  /** Time that the run took. */
  readonly elapsedMs: number;
}
