// Writes docs/json.md from the types of src/cli/json-documents.ts and their comments:
// `npm run json-docs`.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { exitCodeOf } from '../src/cli/exit-codes.ts';
import { FORMAT_VERSION } from '../src/cli/json-documents.ts';
import { CcxriError, ERROR_CODES } from '../src/errors.ts';
import { type Definition, type Field, type Model, type Shape, readModel } from './json-model.ts';

export const JSON_DOCS_PATH = fileURLToPath(new URL('../docs/json.md', import.meta.url));

const INTRO = `# JSON output

<!-- Made of the types and comments in src/ by \`npm run json-docs\`: change them, not this page. -->

With \`--json\` a command prints one document on stdout when it ends. With \`--ndjson\` it prints one event a
line while it runs; the last line is the event \`summary\`, which is the document of \`--json\`. Both forms are
kept after any failure, wrong usage included. What is for people goes to stderr.

## What scripts may rely on

- Every document and every event begins with \`formatVersion\`, which is ${FORMAT_VERSION}.
- Fields may be added, and so may values where a field is one of several. Ignore what you do not know.
- No field is renamed or removed, and none gets another type, unit or meaning, without another
  \`formatVersion\` and a line in CHANGELOG.md.
- The wording of \`message\`, \`hint\`, \`kept\`, \`expected\`, \`found\`, \`seen\`, \`reasons\`, \`memberFault\` and
  \`why\` of a damaged member may change at any time: branch on \`code\`, \`status\`, \`did\`, \`why\` and \`next\`.
- What would act on a terminal (control characters, marks of direction) is escaped as \`\\u…\`; a JSON parser
  restores it. Paths are relative to the working directory where \`--dest\` is.
- Units: bytes are whole numbers of bytes; ms are milliseconds, s are seconds; a count is a whole number.
`;

/** docs/json.md as the types have it now, in the project's format. */
export async function renderJsonDocs(model: Model): Promise<string> {
  const page = new Page(model);
  const commands = fieldsOf(model, 'CommandResults').map(({ name }) => name);
  const events = [...membersOf(model, 'RunEvent'), 'SummaryEvent'];
  const errors = ['ErrorRecord', 'BugRecord', 'ErrorCode', 'NextStep'];
  for (const name of errors) page.reserve(name);
  const parts = [
    INTRO,
    '## The document of `--json`\n',
    page.table('RunDocument'),
    ...page.pending(),
    '## Results and counts, by command\n',
    ...commands.flatMap((command) => page.command(command)),
    '## The events of `--ndjson`\n',
    'Beside these fields each begins with `formatVersion`, `ccxriVersion` (a string) and `time` (ISO 8601, UTC).\n',
    ...events.flatMap((name) => page.event(name)),
    '## Errors\n',
    ...errors.flatMap((name) => page.section(name)),
    ...page.pending(),
  ];
  return format(parts.join('\n'), {
    ...(await resolveConfig(JSON_DOCS_PATH)),
    parser: 'markdown',
  });
}

/** Writes sections in order; a type that a table names gets its own below it, once. */
class Page {
  readonly #model: Model;
  readonly #named = new Set<string>();
  #queue: string[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  /** Its section comes later. */
  reserve(name: string): void {
    this.#named.add(name);
  }

  /** Sections of the types that were named so far and have none. */
  pending(): readonly string[] {
    const parts: string[] = [];
    for (let name = this.#queue.shift(); name !== undefined; name = this.#queue.shift()) {
      parts.push(...this.section(name));
    }
    return parts;
  }

  section(name: string): readonly string[] {
    const { meaning } = definitionOf(this.#model, name);
    return [`#### ${name}\n`, meaning === '' ? '' : `${meaning}\n`, this.table(name)];
  }

  command(command: string): readonly string[] {
    const result = fieldsOf(this.#model, 'CommandResults').find(({ name }) => name === command);
    const counts = fieldsOf(this.#model, 'CommandCounts').find(({ name }) => name === command);
    if (result === undefined || counts?.shape.kind !== 'ref') throw new Error(`no ${command}`);
    return [
      `### \`ccxri ${command}\`\n`,
      `\`result\`: ${this.#typeText(result.shape)}. \`counts\`:\n`,
      this.table(counts.shape.name),
      ...this.pending(),
    ];
  }

  event(name: string): readonly string[] {
    const { meaning } = definitionOf(this.#model, name);
    const [event] = fieldsOf(this.#model, name);
    const title = event?.shape.kind === 'literal' ? `### \`${event.shape.value}\`\n` : '';
    const isSummary = name === 'SummaryEvent';
    const table = isSummary
      ? 'Its fields are those of [the document of `--json`](#the-document-of---json).\n'
      : this.table(name);
    return [title, `${meaning}\n`, table, ...this.pending()];
  }

  table(name: string): string {
    const { shape } = definitionOf(this.#model, name);
    if (name === 'ErrorCode') return errorCodes();
    if (shape.kind === 'object') return this.#rows(shape.fields);
    const parts = shape.kind === 'union' ? shape.of : [shape];
    if (parts.every((part) => part.kind === 'literal')) {
      assertAllExplained(definitionOf(this.#model, name), parts);
      return `One of ${parts.map((part) => this.#typeText(part)).join(', ')}.\n`;
    }
    return parts
      .map((part) => (part.kind === 'object' ? this.#rows(part.fields) : this.#typeText(part)))
      .join('\n');
  }

  #rows(fields: readonly Field[]): string {
    const alike = fields.filter(isOneOfMany);
    const rows = [
      ...fields
        .filter((field) => !isOneOfMany(field))
        .sort((a, b) => rankOf(a) - rankOf(b))
        .flatMap((field) => this.#rowsOf(field, '')),
      ...(alike.length === 0 ? [] : [[namesOf(alike), 'number', 'count', ALIKE, '']]),
    ];
    return [
      '| field | type | unit | meaning | absent or null |',
      '| --- | --- | --- | --- | --- |',
      ...rows.map((cells) => `| ${cells.map(escapeHtml).join(' | ')} |`),
      '',
    ].join('\n');
  }

  #rowsOf(field: Field, parent: string): readonly (readonly string[])[] {
    const { id, shape, meaning, absent } = field;
    const name = `${parent}${field.name}`;
    if (meaning === '' && !isExplained(shape)) throw new Error(`${id}: its comment says nothing`);
    const inner = shape.kind === 'array' ? shape.of : shape;
    const type = this.#typeText(shape);
    const said = meaning === '' && shape.kind === 'ref' ? `See ${type}.` : meaning;
    const row = [`\`${name}\``, type, unitOf(field), said, absent];
    if (inner.kind !== 'object' || inner.fields.every(isOneOfMany)) return [row];
    const prefix = shape.kind === 'array' ? `${name}[].` : `${name}.`;
    return [row, ...inner.fields.flatMap((each) => this.#rowsOf(each, prefix))];
  }

  #typeText(shape: Shape): string {
    switch (shape.kind) {
      case 'primitive':
        return shape.name;
      case 'literal':
        return `\`${JSON.stringify(shape.value)}\``;
      case 'array':
        return `array of ${this.#typeText(shape.of)}`;
      case 'object':
        return shape.fields.every(isOneOfMany)
          ? `object with the numbers ${namesOf(shape.fields)}`
          : 'object';
      case 'map':
        return `object from ${this.#typeText(shape.keys)} to ${this.#typeText(shape.of)}`;
      case 'union':
        return shape.of.map((part) => this.#typeText(part)).join(' or ');
      case 'by-command':
        return `[by command](#results-and-counts-by-command)`;
      case 'ref': {
        if (!this.#named.has(shape.name)) this.#queue.push(shape.name);
        this.#named.add(shape.name);
        return `[${shape.name}](#${shape.name.toLowerCase()})`;
      }
    }
  }
}

export function definitionOf(model: Model, name: string): Definition {
  const definition = model.get(name);
  if (definition === undefined) throw new Error(`no type ${name}`);
  return definition;
}

/** Of an object. */
function fieldsOf(model: Model, name: string): readonly Field[] {
  const { shape } = definitionOf(model, name);
  return shape.kind === 'object' ? shape.fields : [];
}

/** Of a union of named types. */
function membersOf(model: Model, name: string): readonly string[] {
  const { shape } = definitionOf(model, name);
  const parts = shape.kind === 'union' ? shape.of : [shape];
  return parts.flatMap((part) => (part.kind === 'ref' ? [part.name] : []));
}

/** What a row is about comes first, wherever it is declared. */
const FIRST = [
  'event',
  'formatVersion',
  'file',
  'files',
  'archives',
  'subsets',
  'status',
  'did',
  'kind',
];

const ALIKE = 'How many files have this `status`, or this `did`.';

function rankOf({ name }: Field): number {
  const rank = FIRST.indexOf(name);
  return rank < 0 ? FIRST.length : rank;
}

/** A comment that explains some values explains them all. */
function assertAllExplained(
  { name, meaning }: Definition,
  values: readonly (Shape & { readonly kind: 'literal' })[],
): void {
  const isNamed = ({ value }: { readonly value: unknown }) =>
    meaning.includes(`\`${String(value)}\``);
  const missing = values.filter((each) => !isNamed(each)).map(({ value }) => value);
  if (missing.length > 0 && missing.length < values.length) {
    throw new Error(`${name}: its comment does not explain ${missing.join(', ')}`);
  }
}

/** One of the numbers of a `Record`: it has no comment of its own. */
function isOneOfMany({ shape, meaning }: Field): boolean {
  return meaning === '' && shape.kind === 'primitive' && shape.name === 'number';
}

function namesOf(fields: readonly Field[]): string {
  const names = fields.map(({ name }) => `\`${name}\``);
  return names.sort().join(', ');
}

/** The named type says what it means; a value that is always the same needs no words. */
function isExplained(shape: Shape): boolean {
  if (shape.kind === 'union') return shape.of.every(isExplained);
  return shape.kind === 'ref' || shape.kind === 'literal';
}

/** Names carry units: `doneBytes`, `delayMs`, `retryAfterS`, `checkedAt`. */
function unitOf({ name, shape }: Field): string {
  const parts = shape.kind === 'union' ? shape.of : [shape];
  const isOf = (type: string) =>
    parts.some((part) => part.kind === 'primitive' && part.name === type);
  if (isOf('string')) return name.endsWith('At') || name === 'time' ? 'ISO 8601, UTC' : '';
  if (!isOf('number')) return '';
  if (/bytes/i.test(name)) return 'bytes';
  if (name.endsWith('Ms')) return 'ms';
  if (name.endsWith('S')) return 's';
  return ['httpStatus', 'line', 'attempt', 'fraction'].includes(name) ? '' : 'count';
}

/** Each code with its comment in src/errors.ts, and the exit code that it leads to. */
function errorCodes(): string {
  const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8');
  const comments = new Map(
    [...source.matchAll(/\/\*\* (.+?) \*\/\n {2}'([\w-]+)',\n/g)].map(([, text, code]) => [
      code,
      text,
    ]),
  );
  const rows = ERROR_CODES.map((code) => {
    const meaning = comments.get(code);
    if (meaning === undefined) throw new Error(`src/errors.ts: ${code} has no comment`);
    return `| \`${code}\` | ${exitCodeOf(new CcxriError(code, ''))} | ${escapeHtml(meaning)} |`;
  });
  return ['| code | exit code | meaning |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

function escapeHtml(text: string): string {
  return text.replaceAll('<', '&lt;');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(JSON_DOCS_PATH, await renderJsonDocs(readModel()));
}
