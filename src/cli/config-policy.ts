import {
  type CommandName,
  OPTIONS,
  type OptionKey,
  OPTION_KEYS,
  type RawOptions,
  takesOption,
} from './options.ts';

/** Whose file it is: that of one project, which may have come with a download, or the user's own. */
export type ConfigLayer = 'project' | 'user';

/** A place where settings may be, and what there was. */
export interface ConfigPlace {
  readonly layer: ConfigLayer;
  /** Absolute. */
  readonly path: string;
  /** `ignored`: it is somebody else's, where everybody may put one. */
  readonly status: 'read' | 'absent' | 'ignored';
  /** By option, as if typed, with absolute paths. Empty where nothing was read. */
  readonly values: RawOptions;
}

/** How a run works: harmless, whoever has written the file. */
const IN_BOTH = [
  ...['dest', 'source', 'pageUrl', 'wait'],
  ...['concurrency', 'connections', 'limitRate', 'retries', 'timeout'],
  ...['noLabels', 'noExtract', 'noJoin', 'keepGood', 'noRepair', 'strict'],
  ...['seed', 'ratios', 'folds', 'holdout', 'stratify'],
  ...['resize', 'quality', 'imageFormat', 'withImages', 'shardSize', 'thumbnails'],
  ...['noInput', 'noProgress', 'quiet', 'verbose', 'color'],
];

/** What one dataset is about: for all of them it would make of `ccxri fetch` alone a download. */
const OF_PROJECT = ['subset', 'file'];

/**
 * What a stranger's file must not decide: which bytes count as right, who gets the user's secrets, which files
 * are removed or written to, which programs are started.
 */
const OF_USER = ['manifest', 'header', 'headerHost', 'deleteArchives', 'logFile', 'notify'];

/** The files that may set an option. None: it is for each run to say, as `--yes` and `--force`. */
export function layersOf(key: OptionKey): readonly ConfigLayer[] {
  if (IN_BOTH.includes(key)) return ['project', 'user'];
  if (OF_PROJECT.includes(key)) return ['project'];
  return OF_USER.includes(key) ? ['user'] : [];
}

/** Whether a command works by what a file says of an option. The demo has its own release and directory. */
export function takesFromFile(command: CommandName, key: OptionKey): boolean {
  if (command === 'demo' && OPTIONS[key].commands !== undefined) return false;
  // Of exports: a fetch that writes smaller images is meant in that run alone.
  if (command === 'fetch' && key === 'resize') return false;
  return takesOption(command, key);
}

/** `limit-rate` */
export function nameOf(key: OptionKey): string {
  return OPTIONS[key].long.slice(2);
}

export function keyOfName(name: string): OptionKey | undefined {
  return OPTION_KEYS.find((key) => nameOf(key) === name);
}
