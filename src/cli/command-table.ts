import type { CommandName } from './options.ts';
import type { CommandSpec } from './command.ts';

/** Every command: the program, its help and the dispatch are made of this table. */
export const COMMANDS: Readonly<Record<CommandName, CommandSpec>> = {
  list: {
    name: 'list',
    summary: 'show what the dataset has, per subset and file',
    examples: [
      ['ccxri list', 'the subsets with their sizes'],
      ['ccxri list --subset viral', 'the files of one subset'],
    ],
    load: async () => (await import('./commands/list.ts')).runList,
  },
  fetch: {
    name: 'fetch',
    summary: 'download, check, extract and join; run again, it goes on where it stopped',
    examples: [
      ['ccxri fetch --subset chestdx', 'one subset with its labels'],
      ['ccxri fetch --subset chestdx -n', 'only say what would be done'],
      ['ccxri fetch --subset all --source page.html', 'with the links of a saved page'],
      ['ccxri fetch --file ChestDx-22 --source https://mirror.example/ccxri/', 'from a mirror'],
    ],
    load: async () => (await import('./commands/fetch.ts')).runFetch,
  },
  verify: {
    name: 'verify',
    summary: 'check what is here against the manifest',
    argument: { usage: '[dir]', help: 'the dataset directory, as --dest', option: 'dest' },
    examples: [
      ['ccxri verify', 'the MD5 of the archives and label files here'],
      ['ccxri verify --quick', 'size and time only'],
      ['ccxri verify --deep --subset cc-cxri-p', 'every image too; what is absent is missing'],
    ],
    load: async () => (await import('./commands/verify.ts')).runVerify,
  },
  extract: {
    name: 'extract',
    summary: 'unpack the archives that are here; no network',
    examples: [
      ['ccxri extract', 'every archive that is here'],
      ['ccxri extract --file ChestDx-22', 'one archive'],
    ],
    load: async () => (await import('./commands/extract.ts')).runExtract,
  },
  join: {
    name: 'join',
    summary: 'write index.csv: images with their labels; no network',
    examples: [
      ['ccxri join', 'index.csv in the dataset directory'],
      ['ccxri join --subset viral -o viral.csv', 'a part, to a file of its own'],
    ],
    load: async () => (await import('./commands/join.ts')).runJoin,
  },
  status: {
    name: 'status',
    summary: 'show what is here, missing or partly here; reads no data',
    examples: [['ccxri status --subset chestdx', 'one subset']],
    load: async () => (await import('./commands/status.ts')).runStatus,
  },
  links: {
    name: 'links',
    summary: 'find out and print where each file comes from',
    examples: [
      ['ccxri links', "with the links of the dataset's page"],
      ['ccxri links --source page.html', 'with those of a page saved from a browser'],
    ],
    load: async () => (await import('./commands/links.ts')).runLinks,
  },
  manifest: {
    name: 'manifest',
    summary: 'write a manifest of the archives and label files in a directory',
    argument: { usage: '<dir>', help: 'where the files lie' },
    examples: [['ccxri manifest mirror/ -o lab.json', 'for `--manifest lab.json`']],
    load: async () => (await import('./commands/manifest.ts')).runManifest,
  },
  demo: {
    name: 'demo',
    summary: 'the whole way on a small made-up release; no network',
    examples: [['ccxri demo', 'into ./ccxri-demo']],
    load: async () => (await import('./commands/demo.ts')).runDemoCommand,
  },
};
