/** Commands of the program that an error may point to. */
export type NextCommand =
  | 'adopt'
  | 'audit'
  | 'completion'
  | 'config'
  | 'demo'
  | 'doctor'
  | 'export'
  | 'extract'
  | 'fetch'
  | 'help'
  | 'join'
  | 'links'
  | 'list'
  | 'lock'
  | 'manifest'
  | 'members'
  | 'plan'
  | 'query'
  | 'repair'
  | 'report'
  | 'serve'
  | 'split'
  | 'stats'
  | 'status'
  | 'verify';

/** Options of the program that an error may point to, without the dashes. */
export type NextOption =
  | 'add-to-index'
  | 'allow-whole'
  | 'connections'
  | 'deep'
  | 'delete-archives'
  | 'dest'
  | 'dry-run'
  | 'file'
  | 'force'
  | 'format'
  | 'header'
  | 'header-host'
  | 'host'
  | 'keep-good'
  | 'label'
  | 'lockfile'
  | 'log-file'
  | 'low-disk'
  | 'manifest'
  | 'max-bytes'
  | 'name'
  | 'no-labels'
  | 'output'
  | 'page-url'
  | 'port'
  | 'resize'
  | 'source'
  | 'subset'
  | 'timeout'
  | 'to'
  | 'wait'
  | 'with-secrets'
  | 'yes';

/**
 * One thing that a user can do about an error, as data. The library never writes a command line:
 * src/cli/next-steps.ts makes sentences and commands out of these.
 */
export type NextStep = NextAct & {
  /** What can be done instead of it; that has no alternative of its own. Absent where it has none. */
  readonly or?: NextStep | undefined;
};

export type NextAct =
  | {
      /** Do something outside ccxri. */
      readonly kind: 'advice';
      /** What, as a clause: `free 2 GB on the disk`. It names no command and no option. */
      readonly text: string;
    }
  | {
      /** Run the command that failed once more. */
      readonly kind: 'again';
      /** Time to wait before. Absent where it need not wait. */
      readonly afterMs?: number | undefined;
      /** What for, as a clause. Absent where that is plain. */
      readonly purpose?: string;
    }
  | {
      /** Run the command that failed with this option, or with another value of it. */
      readonly kind: 'option';
      /** Without its dashes. */
      readonly option: NextOption;
      /** Its value. Absent where it takes none, or the user has to choose one. */
      readonly value?: string | undefined;
      /** What for, as a clause: `to give it more time`. Absent where that is plain. */
      readonly purpose?: string | undefined;
    }
  | {
      /** Run this command. */
      readonly kind: 'run';
      /** The command, without `ccxri`. */
      readonly command: NextCommand;
      /** Its positional argument: a directory, a topic of the help. Absent where it takes none. */
      readonly argument?: string | undefined;
      /** Subsets to select; `NAME`: the user has to choose one. Absent where it selects none. */
      readonly subsets?: readonly string[] | undefined;
      /** Files to select. Absent where it selects none. */
      readonly files?: readonly string[] | undefined;
      /** Other options with their values; true: it takes none. Absent where it needs no others. */
      readonly options?: Partial<Record<NextOption, string | true>> | undefined;
      /** What for, as a clause: `to get what is missing`. Absent where that is plain. */
      readonly purpose?: string | undefined;
    };
