import type { ErrorCode, NextStep } from './errors.ts';

/**
 * What `doctor` looks at. Of the network, for each source: `proxy`; `names` (DNS); `connect` (each address);
 * `certificate`; `source` (is it one, and how many files has it?); `archive` and `labels` (the first bytes
 * of one file each); `ranges`; `validator`; `wall` (something that keeps programs out); `clock` (the server's
 * against ours); `speed`. Of the destination: `directory` (may it be written?); `space`; `inodes`;
 * `case`; `disk-clock`; `path-length`; `rename`; `flush`; `file-system`; `lock` (another run, and what
 * earlier runs left). Of the machine: `node`, `open-files`, `memory`, `version` (of ccxri; only if asked for).
 */
export type CheckName =
  | 'proxy'
  | 'names'
  | 'connect'
  | 'certificate'
  | 'source'
  | 'archive'
  | 'labels'
  | 'ranges'
  | 'validator'
  | 'wall'
  | 'clock'
  | 'speed'
  | 'directory'
  | 'space'
  | 'inodes'
  | 'case'
  | 'disk-clock'
  | 'path-length'
  | 'rename'
  | 'flush'
  | 'file-system'
  | 'lock'
  | 'node'
  | 'open-files'
  | 'memory'
  | 'version';

/** What one check of `doctor` has found. */
export interface CheckRow {
  readonly check: CheckName;
  /** What it is about. */
  readonly part: 'network' | 'destination' | 'machine';
  /** The source concerned, safe to print. Absent where it is about none. */
  readonly source?: string | undefined;
  /** `warning`: a fetch works, with a drawback; `problem`: it does not. */
  readonly status: 'ok' | 'warning' | 'problem';
  /** What was seen, in a sentence for people: its wording may change. */
  readonly seen: string;
  /** The code of the error that a fetch would end with. Absent unless the status is `problem`. */
  readonly code?: ErrorCode | undefined;
  /** What the user can do about it, as data. Absent where nothing is to be done, or known. */
  readonly next?: readonly NextStep[] | undefined;
}
