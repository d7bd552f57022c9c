import { CcxriError, type ErrorCode } from '../errors.ts';

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 129 | 130 | 143;

export interface ExitCodeRow {
  readonly code: ExitCode;
  readonly meaning: string;
  readonly next: string;
}

/** The one table of exit codes: the help prints it, and so does README.md (`npm run docs`). */
export const EXIT_CODES: readonly ExitCodeRow[] = [
  { code: 0, meaning: 'done', next: 'nothing to do' },
  { code: 1, meaning: 'unexpected failure (a bug)', next: 'run again with -v and report it' },
  {
    code: 2,
    meaning: 'usage, configuration or manifest is wrong',
    next: 'fix the command line; `ccxri help COMMAND`',
  },
  {
    code: 3,
    meaning: 'integrity: content does not match, and could not be put right',
    next: 'try another --source; look at what was kept',
  },
  {
    code: 4,
    meaning: 'incomplete: network',
    next: 'the same command again, or another --source',
  },
  { code: 5, meaning: 'missing files', next: '`ccxri fetch` the same selection' },
  {
    code: 6,
    meaning: 'disk full, or not writable; too few open files allowed',
    next: 'free some space, or another --dest; `ulimit -n 1024`',
  },
  {
    code: 7,
    meaning: 'unsafe archive refused',
    next: 'do not use it; report it to its publisher',
  },
  {
    code: 8,
    meaning: 'remarks under --strict (join audit, disputed MD5); labels that match no image',
    next: 'read them; without --strict most are warnings',
  },
  {
    code: 9,
    meaning: 'what the source serves is not the file, or a page without links to it',
    next: 'again later, in case it was only busy; `ccxri links`; another --source',
  },
  {
    code: 10,
    meaning: 'another ccxri process is using this dataset directory',
    next: 'wait for it, or --wait',
  },
  { code: 130, meaning: 'interrupted (Ctrl-C): what was there is kept', next: 'run it again' },
  { code: 143, meaning: 'terminated: what was there is kept', next: 'run it again' },
  { code: 129, meaning: 'terminal closed: what was there is kept', next: 'run it again' },
];

const BY_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  usage: 2,
  'manifest-invalid': 2,
  'unknown-subset': 2,
  'unknown-file': 2,
  'unknown-label': 2,
  'nothing-chosen': 2,
  'nothing-selected': 2,
  'too-many-bytes': 2,
  'lockfile-invalid': 2,
  'lockfile-drift': 2,
  'source-unusable': 2,
  'other-manifest': 2,
  'md5-mismatch': 3,
  'size-mismatch': 3,
  'damaged-archive': 3,
  'labels-invalid': 3,
  occupied: 3,
  changed: 3,
  'unsafe-archive': 7,
  'not-the-file': 9,
  'no-link': 9,
  'other-release': 9,
  'ranges-refused': 9,
  network: 4,
  'http-status': 4,
  stalled: 4,
  'file-not-at-source': 4,
  'part-deleted': 4,
  missing: 5,
  'disk-space': 6,
  'disk-full': 6,
  'not-writable': 6,
  'disk-io': 6,
  'no-inodes': 6,
  'process-limit': 6,
  remarks: 8,
  locked: 10,
  aborted: 130,
};

/**
 * The most severe first. The contract orders 7, 3, 9, 6, 5, 4, 10, 8; a stop and a bug come before
 * them, and 2 before 4: after wrong usage, running the same command again cannot help.
 */
const SEVERITY: readonly ExitCode[] = [1, 130, 143, 129, 7, 3, 9, 6, 5, 2, 4, 10, 8, 0];

/** The higher, the more severe. */
export function severityOf(code: ExitCode): number {
  return -SEVERITY.indexOf(code);
}

export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return SEVERITY.find((code) => codes.includes(code)) ?? 0;
}

/**
 * Signals that stop a run, by their exit code: 128 + the signal's number. SIGBREAK is that of Ctrl-Break, on
 * Windows alone.
 */
export const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGBREAK: 130 } as const;

export type StopSignal = keyof typeof STOP_SIGNALS;

/** What the run's AbortSignal carries as its reason when a signal stopped the process. */
export class StopRequest extends Error {
  override readonly name = 'StopRequest';
  readonly signal: StopSignal;

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

/** @param stop the reason of the run's AbortSignal, which distinguishes an interrupt from a termination */
export function exitCodeOf(error: unknown, stop?: unknown): ExitCode {
  if (!(error instanceof CcxriError)) return 1;
  if (error.code === 'aborted' && stop instanceof StopRequest) return STOP_SIGNALS[stop.signal];
  return BY_ERROR[error.code];
}

/** With what to do next: `ccxri help exit-codes`. */
export function exitCodesHelp(): string {
  const lines = EXIT_CODES.map(
    ({ code, meaning, next }) => `  ${String(code).padStart(3)}  ${meaning}\n         -> ${next}`,
  );
  return [
    'Exit codes. Where several apply, the most severe counts: 7, 3, 9, 6, 5, 4, 10, 8.',
    '',
    ...lines,
    '',
  ].join('\n');
}
