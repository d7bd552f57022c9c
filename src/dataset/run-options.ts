import { CcxriError } from '../errors.ts';
import type { EventListener } from '../events.ts';
import { pathKind } from '../fs/paths.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { Selection } from '../manifest/select.ts';

/** What every command on a dataset directory takes. */
export interface RunOptions {
  /** What there is, and how to know it is right: `loadManifest()`. */
  readonly manifest: Manifest;
  /** The dataset directory. */
  readonly dest: string;
  /** What of the manifest is meant; each command says what nothing means to it. */
  readonly selection?: Selection | undefined;
  /** Stops the run; what is there is kept, and the call rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Hears what happens while it happens. Default: nobody. */
  readonly onEvent?: EventListener | undefined;
}

/**
 * How one file came out. A file that is wrong is a result, with its error; only wrong usage, a stop
 * from outside and bugs are thrown.
 */
export interface FileOutcome<Status extends string> {
  /** Manifest name. */
  readonly file: string;
  readonly status: Status;
  /** Why it is not good; absent where it is. */
  readonly error?: CcxriError | undefined;
}

/** @throws CcxriError `missing`: there is no such dataset directory; of the disk */
export async function assertDirectory(dest: string): Promise<void> {
  const kind = await pathKind(dest);
  if (kind === 'directory') return;
  const what =
    kind === 'nothing'
      ? `there is no dataset directory ${dest}`
      : `${dest} is a file, not a directory`;
  throw new CcxriError('missing', what, {
    path: dest,
    next: [
      {
        kind: 'option',
        option: 'dest',
        or: {
          kind: 'run',
          command: 'fetch',
          subsets: ['NAME'],
          options: { dest },
          purpose: 'to make it',
        },
      },
    ],
  });
}
