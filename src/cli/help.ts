import { COMMANDS } from './command-table.ts';
import { exitCodesHelp } from './exit-codes.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  usageOf,
  variableOf,
  wordsOf,
} from './options.ts';
import { readVersion } from '../fs/package-version.ts';
import { wrapProse } from './view.ts';

/** What `ccxri` alone shows: 24 lines of 80 columns at most, the last of them how to start. */
export function rootHelp(): string {
  const rare = COMMAND_NAMES.filter((name) => COMMANDS[name].isRare);
  const shown = COMMAND_NAMES.filter((name) => !rare.includes(name));
  const width = Math.max(...shown.map(({ length }) => length)) + 2;
  return [
    `ccxri ${readVersion()}: downloads, checks, extracts and joins the CC-CXRI chest X-rays`,
    'Usage: ccxri COMMAND [options]',
    ...shown.map((name) => `  ${name.padEnd(width)}${COMMANDS[name].summary}`),
    wrapProse(`  ${'also'.padEnd(width)}${rare.join(', ')}`, 80, ' '.repeat(width + 2)),
    '',
    `More: ccxri help COMMAND, or ${Object.keys(TOPICS).join(', ')}; ccxri --version`,
    'Start here:',
    '  ccxri demo                     try it all on a small synthetic release',
    '  ccxri list                     what there is: subsets, sizes, labels',
    '  ccxri fetch --subset chestdx   get one subset, into ./cc-cxri',
    '',
  ].join('\n');
}

/** What `ccxri help` explains besides the commands. */
export const TOPICS: Readonly<Record<string, () => string>> = {
  'exit-codes': exitCodesHelp,
  options: variablesHelp,
  sources: sourcesHelp,
};

/** `ccxri help options`. */
function variablesHelp(): string {
  const width = Math.max(...OPTION_KEYS.map((key) => usageOf(key).length)) + 2;
  const lines = OPTION_KEYS.map((key) => `  ${usageOf(key).padEnd(width)}${variableOf(key)}`);
  return [
    'Every option has its variable; an option that is typed wins. A command passes',
    'over the variables of options that it does not take. Flags take 1 or 0, true',
    'or false, yes or no. Separate subsets, files, labels and hosts by commas,',
    'sources and headers by newlines.',
    '',
    ...lines,
    '',
  ].join('\n');
}

/** `ccxri help sources`. */
function sourcesHelp(): string {
  return [
    'Where files come from. --source may be repeated: what one source lacks, or',
    "serves wrongly, comes from the next. Without it: the page of the manifest's",
    'homepage. Every file is checked by its MD5, wherever it comes from.',
    '',
    '  --source /mnt/share/cc-cxri',
    '      a directory with the archives and label files',
    '  --source https://mirror.example/cc-cxri/',
    '      a base URL: files lie below it, by their names',
    "  --source 'https://mirror.example/get?file={name}'",
    '      a URL with the name inside',
    '  --source page.html',
    '      a page saved from a browser (.html, .mhtml), or the URL of one: its table',
    '      pairs links with MD5s',
    '',
    '`ccxri links` shows what each source has and downloads nothing; `ccxri doctor`',
    'looks at the network and the disk. Proxies are those of HTTPS_PROXY, HTTP_PROXY,',
    'ALL_PROXY and NO_PROXY; NODE_EXTRA_CA_CERTS names the CA file of a company.',
    '',
  ].join('\n');
}

/** The help of an option, in the words of a command, with its default. */
export function describeOption(key: OptionKey, command: CommandName): string {
  const { default: byDefault, help } = wordsOf(key, command);
  return byDefault === undefined ? help : `${help} (default: ${byDefault})`;
}

/** The commands that take an option, in words: `fetch, links and doctor`. */
export function takersOf(key: OptionKey): string {
  const { commands = [] } = OPTIONS[key];
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(commands);
}
