import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { completionModule } from './completion-table.ts';
import { manPage } from './man-page.ts';
import { layersOf } from '../src/cli/config-policy.ts';
import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import {
  EXCLUSIVE,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  usageOf,
  variableOf,
} from '../src/cli/options.ts';
import type { FileSurvey } from '../src/dataset/survey.ts';
import { ALL_COLUMNS } from '../src/description/columns.ts';
import { LICENSE } from '../src/description/described.ts';
import { planFetch } from '../src/fetch/plan.ts';
import { BUNDLED_MANIFEST_PATH, parseManifest } from '../src/manifest/load.ts';
import { type ManifestFile, selectFiles } from '../src/manifest/manifest.ts';
import { formatAbout, formatBytes } from '../src/text.ts';

/** The documents that are made, in whole or in part, of the code's own tables. */
export const GENERATED: Readonly<Record<string, (before: string) => string>> = {
  'README.md': (readme) =>
    fillBlock(fillBlock(readme, 'exit-codes', exitCodesTable()), 'sizes', sizesTable()),
  'docs/options.md': optionsPage,
  'docs/data-dictionary.md': dictionaryPage,
  'src/cli/completion-table.ts': completionModule,
  'docs/ccxri.1': manPage,
};

export const rootPath = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** A document as the code has it now; Markdown in the project's format. */
export async function generate(name: string): Promise<string> {
  const path = rootPath(name);
  const text = GENERATED[name]?.(await readFile(path, 'utf8').catch(() => '')) ?? '';
  if (!name.endsWith('.md')) return text;
  return format(text, { ...(await resolveConfig(path)), parser: 'markdown' });
}

/** Replaces what is between the markers of a block. */
export function fillBlock(text: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const parts = text.split(open);
  const [before, rest] = parts;
  const at = rest?.indexOf(close) ?? -1;
  if (before === undefined || rest === undefined || parts.length > 2 || at < 0) {
    throw new Error(`README.md must have ${open} … ${close}, once`);
  }
  return `${before}${open}\n\n${content}\n\n${rest.slice(at)}`;
}

function exitCodesTable(): string {
  return table(
    ['code', 'meaning', 'what to do'],
    EXIT_CODES.map(({ code, meaning, next }) => [String(code), meaning, next]),
  );
}

/** What a fetch of each selection needs, as the plan of a fetch reckons it. */
function sizesTable(): string {
  const manifest = parseManifest(readFileSync(BUNDLED_MANIFEST_PATH, 'utf8'));
  const rows = ['all', 'chestdx', 'chestdx-pe', 'cc-cxri-p', 'viral'].map((subset) => {
    const surveys = selectFiles(manifest, { subsets: [subset] }).map(nothingOf);
    const planOf = (deleteArchives: boolean) =>
      planFetch(surveys, { extract: true, deleteArchives, concurrency: 4 }, null).plan;
    const { bytesToDownload: bytes } = planOf(false);
    return [
      code(`--subset ${subset}`),
      ...[bytes, ...[false, true].map((each) => planOf(each).bytesNeededOnDisk)].map(formatBytes),
      ...[20e6, 100e6].map((bitsPerSecond) => formatAbout((bytes * 8000) / bitsPerSecond)),
    ];
  });
  const titles = ['selection', 'download', 'disk', 'with `--delete-archives`'];
  return table([...titles, 'at 20 Mbit/s', 'at 100 Mbit/s'], rows);
}

const nothingOf = (file: ManifestFile): FileSurvey => ({
  file,
  path: '',
  final: 'absent',
  receipt: undefined,
  finalBytes: 0,
  images: 'absent',
  members: undefined,
  partBytes: 0,
  partFrom: null,
});

function optionsPage(): string {
  const isCommon = (key: OptionKey) => OPTIONS[key].commands === undefined;
  const pairs = EXCLUSIVE.map((group) => group.map((key) => code(OPTIONS[key].long)).join(' and '));
  return `# Options

<!-- Generated from src/cli/options.ts by \`npm run docs\`. -->

Every option has an environment variable; an option on the command line wins. Some may also be set in a file
(\`ccxri.config.json\`; [configuration.md](configuration.md)): the column says whose, a project's or the user's. Options may stand before or
after the command; one that a command does not use is refused. \`ccxri help COMMAND\` shows the options of
one command.

Mutually exclusive: ${pairs.join('; ')}.

## Options that hold everywhere

${optionsTable(OPTION_KEYS.filter(isCommon), false)}

## Options of some commands

${optionsTable(
  OPTION_KEYS.filter((key) => !isCommon(key)),
  true,
)}

## Values in variables

A flag takes ${OPTIONS.strict.expects}. An empty variable counts as not set. Subsets, files, labels and hosts are
separated by commas, sources and headers by newlines:

\`\`\`sh
export CCXRI_SUBSET=viral,normal
export CCXRI_SOURCE=$'/mnt/share/cc-cxri\\nhttps://mirror.example.org/cc-cxri/'
\`\`\`

A command ignores the variables of options that it does not take, so one environment serves all
commands. ccxri warns of an unknown variable that starts with \`CCXRI_\`.
`;
}

function dictionaryPage(): string {
  const rows = ALL_COLUMNS.map(({ name, type, values = [], meaning, from }) => [
    ...[code(name), type === 'string' ? 'text' : 'whole number'],
    ...[values.map(code).join(', '), meaning, from],
  ]);
  return `# Data dictionary

<!-- Generated from src/description/columns.ts by \`npm run docs\`. -->

The columns of \`index.csv\`: one row an image, sorted by archive and image; UTF-8, LF, RFC 4180. An empty cell means that
something is not known, or not meant for this image: never 0. \`split\` is there only after \`ccxri split --add-to-index\`.

${table(['column', 'type', 'values', 'meaning', 'from'], rows)}

The labels are the publisher's; its paper tells how they were made. No definitions come with the data: the meanings here are the usual
ones in radiology. In all rows that could be counted (all of ChestDx-PE, a fifth of ChestDx), no row has \`No_Finding\` together with
another label, and no patient is in two archives.

## The same for programs

Beside \`index.csv\`, and in every export, lie three files that say the same in standard forms. They are written anew with the
data, and only if something is different:

| file | form | what it adds |
| --- | --- | --- |
| \`croissant.json\` | Croissant 1.1 (JSON-LD) | the published files with their MD5s, the images, how to load both |
| \`datapackage.json\` | Frictionless Data Package v2 | the types of the columns, lengths and SHA-256 |
| \`CITATION.cff\` | Citation File Format 1.2.0 | the paper to cite |

A file of that name which ccxri has not written stays as it is. The license of the images and labels is ${LICENSE}, and
the three files say just that.
`;
}

function optionsTable(keys: readonly OptionKey[], withCommands: boolean): string {
  const rows = keys.map((key) => {
    const { help, commands, own = {}, default: byDefault = '' } = OPTIONS[key];
    const names = [usageOf(key), variableOf(key)].map(code);
    const where = withCommands ? [commands?.join(', ') ?? ''] : [];
    const mine = (commands ?? []).map((name) => [name, own[name] ?? {}] as const);
    const helps = mine.flatMap(([name, words]) =>
      words.help === undefined ? [] : `${name}: ${words.help}`,
    );
    const defaults = mine.flatMap(([name, words]) =>
      words.default === undefined ? [] : `${name}: ${String(words.default)}`,
    );
    const cell = (general: string, others: readonly string[]) =>
      [general, ...others].filter(Boolean).join('<br>');
    return [
      ...names,
      layersOf(key).join(', '),
      ...where,
      cell(help, helps),
      cell(String(byDefault), defaults),
    ];
  });
  const where = withCommands ? ['commands'] : [];
  return table(['option', 'variable', 'file', ...where, 'meaning', 'default'], rows);
}

const code = (text: string) => `\`${text}\``;

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}
