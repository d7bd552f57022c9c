import type { CcxriError, NextStep } from '../errors.ts';
import type { LinksOptions } from '../links.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';

/** What a list of missing files can be written for, in the order of the help. */
export const HANDOFF_FORMATS = ['md5sum', 'aria2', 'metalink', 'wget', 'rclone', 'json'] as const;

export type HandoffFormat = (typeof HANDOFF_FORMATS)[number];

export interface HandoffOptions extends Omit<LinksOptions, 'selection'> {
  readonly manifest: Manifest;
  /** The dataset directory that the files are missing in. */
  readonly dest: string;
  /** What is selected, with the label files that come with it. */
  readonly files: readonly ManifestFile[];
  /** What to write the list for; several need `output`. */
  readonly formats: readonly HandoffFormat[];
  /** A directory for the lists, and a text that says how to use them. Default: nothing is written. */
  readonly output?: string | undefined;
  /** Hand on addresses with a signature, token or key in them, too. Default false. */
  readonly withSecrets?: boolean | undefined;
  /** As of fetch: what is extracted completely is not missing. Default true. */
  readonly extract?: boolean | undefined;
  /** How the next steps read in the text beside the lists. Default: it has none. */
  readonly hintOf?: ((of: Pick<Handoff, 'next'>) => string | undefined) | undefined;
}

/** One file that another machine or tool is to get. */
export interface HandoffFile {
  /** Manifest name: what it is to be called there. Any other name will do. */
  readonly file: string;
  /** Is it an archive or a label file? */
  readonly kind: 'archive' | 'labels';
  /** As published. */
  readonly md5: string;
  /** true: the published MD5 can't be trusted, so no tool is told to check it. */
  readonly md5Disputed: boolean;
  /** Size of the file. */
  readonly bytes: number;
  /** true: `bytes` is approximate, by the published size, which is rounded. */
  readonly about: boolean;
  /** Where it is, in the order of the sources. Empty where that is not known, or was not asked. */
  readonly urls: readonly string[];
  /** Where it is on this machine. Null where no source is a directory that has it. */
  readonly path: string | null;
  /** Addresses that are left out for a signature, token or key in them (`--with-secrets`). */
  readonly withheld: number;
  /** Why there is no address. Absent where there is one, or none was asked for. */
  readonly error?: CcxriError | undefined;
}

/** What is missing in a dataset directory, for another machine or tool. */
export interface Handoff {
  /** What the list was made for. */
  readonly formats: readonly HandoffFormat[];
  /** Selected files that are not here, or were found damaged; archives first. */
  readonly files: readonly HandoffFile[];
  /** Their size. */
  readonly bytes: number;
  /** true: `bytes` is approximate, for some published sizes are rounded. */
  readonly about: boolean;
  /** Files that were written. Empty where no directory was named, or nothing is missing. */
  readonly written: readonly string[];
  /** What to run in the directory with these files, one line each. */
  readonly commands: readonly string[];
  /** What to do here with the files that have come. Empty where no list was written. */
  readonly next: readonly NextStep[];
}

/** A handoff with the text of each list. */
export interface WrittenHandoff extends Handoff {
  readonly texts: ReadonlyMap<HandoffFormat, string>;
}
