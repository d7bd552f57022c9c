import type { ConfigLayer, ConfigPlace } from './config-policy.ts';

/** Settings, and where they come from. */
export interface ConfigResult {
  /** The dataset directory that they are about. */
  readonly dest: string;
  /** Where files of settings were looked for; the project's counts before the user's. */
  readonly files: readonly ConfigFileRow[];
  /** One an option, in the order of the help. */
  readonly settings: readonly SettingRow[];
}

interface ConfigFileRow {
  /** `project`: beside the dataset directory; `user`: in the directory of the user's settings. */
  readonly layer: ConfigLayer;
  /** Absolute path. */
  readonly path: string;
  /** `ignored`: it is somebody else's, in a directory that all may write. */
  readonly status: ConfigPlace['status'];
}

export interface SettingRow {
  /** The option without its dashes, as the files have it. */
  readonly option: string;
  /** As typed or written; secrets are left out of it. Null where nothing is set and there is no default. */
  readonly value: string | number | boolean | readonly string[] | null;
  /** `directory`: of the dataset directory that the user is in. */
  readonly from: 'flag' | 'variable' | 'project' | 'user' | 'directory' | 'default';
  /** The variable, or the path of the file. Null where it comes from none. */
  readonly where: string | null;
  /** The files that may set it; empty: none, it is for each run to say. */
  readonly inFiles: readonly ConfigLayer[];
}

export interface ConfigCounts {
  /** Options. */
  readonly settings: number;
  /** Of these, those that a flag, a variable or a file sets. */
  readonly set: number;
}
