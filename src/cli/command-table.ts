import { EXPORT_FORMATS } from '../export/types.ts';
import { SHELLS } from './shells.ts';
import type { CommandContext, CommandOutcome } from './command.ts';
import type { CommandName, OptionKey } from './options.ts';

export interface CommandSpec {
  readonly summary: string;
  /** Wanted by few: `ccxri` alone shows only its name, as its help has to fit a terminal of 24 lines. */
  readonly isRare?: true;
  readonly argument?: {
    readonly usage: string;
    readonly help: string;
    /** The option that the argument is another form of. */
    readonly option?: OptionKey | undefined;
    /** All there are. */
    readonly values?: readonly string[];
  };
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [string, string])[];
  /** Shown on a terminal when it begins: it may say nothing else for a while. */
  readonly announcement?: string;
  /** Loaded when it is run, so that `--version` and `list` start fast. */
  readonly load: () => Promise<(context: CommandContext) => Promise<CommandOutcome>>;
}

/** Taken by every command that takes --dest. */
const DIRECTORY = {
  usage: '[dir]',
  help: 'the dataset directory, as --dest',
  option: 'dest',
} as const;

/** Every command: the program, its help and the dispatch are made of this table. */
export const COMMANDS: Readonly<Record<CommandName, CommandSpec>> = {
  list: {
    summary: 'show what the dataset has, per subset and file',
    argument: DIRECTORY,
    examples: [
      ['ccxri list', 'the subsets with their sizes'],
      ['ccxri list --subset viral', 'the files of one subset'],
    ],
    load: async () => (await import('./commands/list.ts')).runList,
  },
  query: {
    summary: 'choose images by label, patient or list, and count them',
    argument: DIRECTORY,
    examples: [
      ['ccxri query --label Hernia', 'how many, and in which archives'],
      ['ccxri query --label Edema,Mass --without-label Pneumonia --list', 'their names'],
      ['ccxri query --label COVID-19 --normals 600 --csv > covid.csv', 'with controls, as a table'],
    ],
    load: async () => (await import('./commands/online.ts')).runQuery,
  },
  fetch: {
    summary: 'download, check, extract and join; run again, it resumes',
    argument: DIRECTORY,
    examples: [
      ['ccxri fetch --subset chestdx', 'one subset with its labels'],
      ['ccxri fetch --subset chestdx -n', 'dry run: show what would be done'],
      ['ccxri fetch --subset all --source page.html', 'with the links of a saved page'],
      ['ccxri fetch --file ChestDx-22 --source https://mirror.example/ccxri/', 'from a mirror'],
    ],
    load: async () => (await import('./commands/online.ts')).runFetch,
  },
  verify: {
    summary: 'check what is here against the manifest',
    argument: DIRECTORY,
    examples: [
      ['ccxri verify', 'the MD5 of the archives and label files here'],
      ['ccxri verify --quick', 'size and time only'],
      ['ccxri verify --deep --subset cc-cxri-p', 'every image too; what is absent is missing'],
    ],
    load: async () => (await import('./commands/offline.ts')).runVerify,
  },
  repair: {
    summary: 'put damaged files right: download only what is wrong with them',
    argument: DIRECTORY,
    examples: [
      ['ccxri repair', 'what is here and not as it was when it passed'],
      ['ccxri repair --file ChestDx-22', 'one archive, read in any case'],
      ['ccxri repair -n', 'which members are damaged, and what it would cost'],
    ],
    load: async () => (await import('./commands/online.ts')).runRepair,
  },
  members: {
    summary: 'list what archives hold, also those that are not here',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri members', 'every archive; a few MB the first time, then nothing'],
      ['ccxri members --subset viral --json', 'one subset, for scripts'],
    ],
    announcement: 'reading the directories of archives…',
    load: async () => (await import('./commands/online.ts')).runMembers,
  },
  adopt: {
    summary: 'take over copies of the dataset from elsewhere on this machine',
    isRare: true,
    argument: { usage: '[path...]', help: 'directories, zips and files to look through' },
    examples: [
      ['ccxri adopt ~/Downloads -n', 'show what is there, and write nothing'],
      ['ccxri adopt ~/Downloads /share/Dx1_20.zip', 'archives, label files, images of a bundle'],
      ['ccxri adopt /old/images --link move', 'and what was taken is gone from there'],
    ],
    announcement: 'looking…',
    load: async () => (await import('./commands/offline.ts')).runAdopt,
  },
  extract: {
    summary: 'unpack the archives that are here; no network',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri extract', 'every archive that is here'],
      ['ccxri extract --file ChestDx-22', 'one archive'],
    ],
    load: async () => (await import('./commands/offline.ts')).runExtract,
  },
  join: {
    summary: 'write index.csv: images with their labels; no network',
    argument: DIRECTORY,
    examples: [
      ['ccxri join', 'index.csv in the dataset directory, and what describes it'],
      ['ccxri join --subset viral -o viral.csv', 'a part, to a separate file'],
      ['ccxri join --from shard-1 --from shard-2 -o all.csv', 'one index of several directories'],
    ],
    load: async () => (await import('./commands/offline.ts')).runJoin,
  },
  audit: {
    summary: 'show what does not add up: images, labels, index.csv; writes nothing',
    argument: DIRECTORY,
    examples: [
      ['ccxri audit', 'all images that are here, extracted or in checked archives'],
      ['ccxri audit --strict --json', 'for scripts: code 8 where something is wrong'],
      ['ccxri audit --decode', 'decode every image, too'],
    ],
    announcement: 'comparing images and labels…',
    load: async () => (await import('./commands/offline.ts')).runAudit,
  },
  split: {
    summary: 'split the images by patient into train, val and test; no network',
    argument: DIRECTORY,
    examples: [
      ['ccxri split --ratios train=0.8,val=0.1,test=0.1 --seed 1', 'splits/split.csv'],
      ['ccxri split --folds 5 --holdout chestdx-pe --name cv', 'splits/cv.csv'],
      ['ccxri split --check train.csv --check test.csv', 'whether these leak patients'],
    ],
    load: async () => (await import('./commands/offline.ts')).runSplit,
  },
  export: {
    summary: 'write images and labels in the form that training loads; no network',
    argument: {
      usage: '[format]',
      help: `one of ${EXPORT_FORMATS.join(', ')}`,
      values: EXPORT_FORMATS,
    },
    examples: [
      ['ccxri export csv --to tables', 'one table of all images that are here'],
      ['ccxri export webdataset --subset viral --to viral', 'tar files with images and labels'],
      ['ccxri export parquet --with-images --to hub', 'as the Hugging Face hub has them'],
    ],
    announcement: 'exporting…',
    load: async () => (await import('./commands/offline.ts')).runExport,
  },
  stats: {
    summary: 'count images, patients and labels of what is here',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri stats', 'the main counts, with bars'],
      ['ccxri stats --subset chestdx-pe --json', 'all counts of one subset, for scripts'],
    ],
    announcement: 'counting…',
    load: async () => (await import('./commands/offline.ts')).runStats,
  },
  report: {
    summary: 'write an HTML file with charts of what is here; no network',
    argument: DIRECTORY,
    examples: [
      ['ccxri report', 'report.html in the dataset directory'],
      ['ccxri report --subset chestdx-pe -o pe.html', 'one subset, to another file'],
    ],
    announcement: 'counting, and drawing…',
    load: async () => (await import('./commands/offline.ts')).runReport,
  },
  status: {
    summary: 'show what is here, missing or partly here; reads no data',
    argument: DIRECTORY,
    examples: [['ccxri status --subset chestdx', 'one subset']],
    load: async () => (await import('./commands/offline.ts')).runStatus,
  },
  serve: {
    summary: 'serve what has passed over HTTP, as a source for other ccxri',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri serve', 'to this machine alone, at http://127.0.0.1:8080/, until Ctrl-C'],
      ['ccxri serve --host 0.0.0.0 /data/cc-cxri', 'to everybody in the network'],
      ['ccxri fetch --subset viral --source http://lab-pc:8080/', 'elsewhere: fetch from it'],
    ],
    load: async () => (await import('./commands/offline.ts')).runServe,
  },
  links: {
    summary: 'resolve and print where each file comes from',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri links', "with the links of the dataset's page"],
      ['ccxri links --source page.html', 'with the links of a page saved from a browser'],
    ],
    load: async () => (await import('./commands/online.ts')).runLinks,
  },
  plan: {
    summary: 'list what is missing, for another machine or download tool',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri plan --subset viral', 'what a fetch would do'],
      ['ccxri plan --subset viral --format aria2 -o handoff', 'for `aria2c`, with addresses'],
      ['ccxri plan --subset viral --cache-key', 'for the cache of a CI system'],
    ],
    load: async () => (await import('./commands/online.ts')).runPlan,
  },
  lock: {
    summary: 'write down what is selected, for `ccxri fetch --locked`',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri lock --subset chestdx-pe', 'ccxri.lock.json beside the dataset directory'],
      ['ccxri lock --label Hernia -o hernia.lock.json', 'a choice of images, to another file'],
    ],
    load: async () => (await import('./commands/online.ts')).runLock,
  },
  doctor: {
    summary: 'look whether a fetch will work: network, disk, machine',
    argument: DIRECTORY,
    examples: [
      ['ccxri doctor', "the dataset's page and ./cc-cxri, in a minute and a few hundred KB"],
      ['ccxri doctor --source https://mirror.example/ccxri/ --dest /data/ccxri', 'a mirror'],
      ['ccxri doctor --newer', 'also whether there is a newer ccxri'],
    ],
    announcement: 'looking; this takes a few seconds, and a minute at most…',
    load: async () => (await import('./commands/online.ts')).runDoctor,
  },
  config: {
    summary: 'show each setting and where it comes from: flag, variable or file',
    isRare: true,
    argument: DIRECTORY,
    examples: [
      ['ccxri config', 'all settings, and the files that were looked for'],
      ['ccxri config --json', 'the same for scripts'],
    ],
    load: async () => (await import('./commands/offline.ts')).runConfig,
  },
  completion: {
    summary: 'print what makes a shell complete the words of ccxri',
    isRare: true,
    argument: { usage: '[shell]', help: `one of ${SHELLS.join(', ')}`, values: SHELLS },
    examples: [
      ['eval "$(ccxri completion bash)"', 'in ~/.bashrc; zsh likewise'],
      ['ccxri completion fish | source', 'in ~/.config/fish/config.fish'],
      ['ccxri completion powershell | Out-String | Invoke-Expression', 'in $PROFILE'],
    ],
    load: async () => (await import('./commands/offline.ts')).runCompletion,
  },
  manifest: {
    summary: 'write a manifest of the archives and label files in a directory',
    isRare: true,
    argument: { usage: '<dir>', help: 'the directory of the files' },
    examples: [['ccxri manifest mirror/ -o lab.json', 'for `--manifest lab.json`']],
    load: async () => (await import('./commands/offline.ts')).runManifest,
  },
  demo: {
    summary: 'everything at once on a small synthetic release; no network',
    argument: DIRECTORY,
    examples: [['ccxri demo', 'into ./ccxri-demo']],
    load: async () => (await import('./commands/demo.ts')).runDemoCommand,
  },
};
