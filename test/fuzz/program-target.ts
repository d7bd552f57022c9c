import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { OPTION_KEYS, OPTIONS, takesOption } from '../../src/cli/options.ts';
import { release } from '../sources/support.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { documentOf, eventsOf, runCli } from '../support/run-cli.ts';
import { buildZip } from '../support/zip-builder.ts';
import { buildEdited, editedBytes, type EditedBytes } from './edit-bytes.ts';
import { buildJson, editedJson, type EditedJson } from './edit-json.ts';
import { toFuzz, type Fuzz } from './harness.ts';
import { isSafe } from './presentable.ts';
import type { Sandbox } from './sandbox.ts';

interface Run {
  readonly argv: readonly string[];
  readonly manifest: EditedJson;
  readonly labels: EditedBytes;
  /** Of an archive, of an image in it, and of one that is extracted. */
  readonly names: readonly string[];
}

/** Those that are over at once and ask no network. */
const COMMANDS = [
  ...(['list', 'status', 'verify', 'extract', 'join', 'links', 'fetch', 'manifest'] as const),
];
const ACTING = [
  'a\x1b[2Jb',
  'a\nb',
  'a\u202eb',
  'a\u2028b',
  'ä',
  "it's",
  'a"b',
  'a,b',
  '=cmd',
  '-n',
];

const names = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('patient1_000.jpg', 'ChestDx-1', 'ChestDx_PE-1') },
  { weight: 1, arbitrary: fc.constantFrom(...ACTING) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }).filter((name) => !/^\.*$|[/\0]/.test(name)) },
);

const FLAGS: readonly (readonly string[])[] = [
  ...[['-n'], ['-q'], ['-v'], ['--strict'], ['--no-progress'], ['-y'], ['--no-input'], ['--quick']],
  ...[
    ['--deep'],
    ['--no-extract'],
    ['--no-join'],
    ['--delete-archives'],
    ['-o', 'out'],
    ['--wait'],
  ],
  ...[
    ['--subset', 'all'],
    ['--subset', 'chestdx'],
    ['--file', 'ChestDx-1'],
    ['-o', 'no/out'],
  ],
  ...[
    ['-o', '.'],
    ['--color', 'never'],
    ['--concurrency', '2'],
    ['--limit-rate', '1M'],
  ],
];

/** What the command takes; now and then a name that it may not know. */
const flagsOf = (command: (typeof COMMANDS)[number]) => {
  const taken = FLAGS.filter(([flag]) =>
    OPTION_KEYS.some((key) => {
      const { long, short } = OPTIONS[key];
      return (flag === long || flag === short) && takesOption(command, key);
    }),
  );
  const odd = fc.tuple(fc.constantFrom('--subset', '--file', '--output'), names);
  return fc.array(
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...taken) }, { weight: 1, arbitrary: odd }),
    { maxLength: 3 },
  );
};

/** With foreign text that acts in every field that takes any. */
const MANIFEST = {
  ...release,
  dataset: 'CXR\u202e\x1b]0;x\x07',
  version: '2\n0',
  citation: 'a\x1b[2Jb',
  files: release.files.map((file) => ({
    ...file,
    category: `${file.category}\x9b`,
    size: '1K',
    subsets: ['chestdx'],
    ...(file.name === 'ChestDx-1.zip' ? { md5Disputed: 'twice\r' } : {}),
  })),
};
const LABELS = [
  lines(
    CHEST_HEADER,
    chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass'),
    chestRow('patient2_000.jpg', 'ChestDx-1'),
  ),
].map((text) => Buffer.from(text));

const runs: fc.Arbitrary<Run> = fc.record({
  argv: fc
    .constantFrom(...COMMANDS)
    .chain((command) => fc.tuple(fc.constant(command), flagsOf(command)))
    .chain(([command, flags]) =>
      fc.constantFrom('--json', '--ndjson', '').map((form) => {
        return [command, ...flags.flat(), ...(form === '' ? [] : [form])];
      }),
    ),
  manifest: fc.oneof(
    { weight: 4, arbitrary: fc.constant({ base: 0, edits: [], textEdits: [] }) },
    { weight: 1, arbitrary: editedJson([MANIFEST], ['subsets', 'category', 'md5Disputed']) },
  ),
  labels: editedBytes(LABELS, ['"', ',', '\n', '\x1b[2J', '\u202e', '=cmd|x', 'ä'], 2),
  names: fc.array(names, { minLength: 3, maxLength: 3 }),
});

/** The whole program on a directory that somebody else has filled, with every command but the demo. */
export function programTarget(sandbox: Sandbox): Fuzz {
  const { inside } = sandbox;
  return toFuzz({
    parser: 'the program',
    share: 8,
    inputs: runs,
    build: ({ argv, manifest, labels, names: used }) => ({
      argv,
      manifest: buildJson([MANIFEST], manifest),
      labels: buildEdited(LABELS, labels).toString('latin1'),
      names: used,
    }),
    codes: [],
    parse: async ({ argv, manifest, labels, names: used }) => {
      sandbox.clear();
      const dest = join(inside, 'data');
      fill(dest, used);
      writeFileSync(join(dest, 'labels', 'chest_dx.csv'), Buffer.from(labels, 'latin1'));
      writeFileSync(join(inside, 'lab.json'), manifest);
      const env = {
        CCXRI_DEST: dest,
        CCXRI_MANIFEST: join(inside, 'lab.json'),
        CCXRI_SOURCE: dest,
      };
      // Below the sandbox: a relative path would land wherever the tests were started.
      const isOutput = (word: string | undefined) => word === '-o' || word === '--output';
      const placed = argv.map((word, i) => (isOutput(argv[i - 1]) ? join(inside, word) : word));
      const command = argv[0] === 'manifest' ? [...placed, dest] : placed;
      const { code, stdout, stderr } = await runCli(command, { env });
      assertReadable({ form: argv.at(-1) ?? '', code, stdout, stderr });
      sandbox.assertKept();
      return code === 0;
    },
  });
}

function fill(dest: string, [archive = '', inner = '', image = '']: readonly string[]): void {
  for (const folder of ['archives', 'labels', 'images/ChestDx-1']) {
    mkdirSync(join(dest, folder), { recursive: true });
  }
  const bytes = buildZip([{ name: inner, content: 'image '.repeat(99) }]);
  writeFileSync(join(dest, 'archives', 'ChestDx-1.zip'), bytes);
  writeFileSync(join(dest, 'archives', `${archive}.zip`), bytes);
  writeFileSync(join(dest, 'images', 'ChestDx-1', image), 'an image');
}

interface Ended {
  readonly form: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function assertReadable({ form, code, stdout, stderr }: Ended): void {
  assert(code !== 1, stderr);
  assert(EXIT_CODES.some((row) => row.code === code));
  assert(isSafe(stderr.replaceAll('\n', '')), `stderr acts: ${JSON.stringify(stderr)}`);
  assert(isSafe(stdout.replaceAll('\n', '')), `stdout acts: ${JSON.stringify(stdout)}`);
  if (form === '--json') assertDocument(documentOf(stdout), code);
  else if (form === '--ndjson') {
    const events = eventsOf(stdout);
    assert.equal(events.at(-1)?.event, 'summary');
    assertDocument(documentOf(stdout.trimEnd().split('\n').at(-1) ?? ''), code);
  }
}

function assertDocument(document: ReturnType<typeof documentOf>, code: number): void {
  assert.equal(document.exitCode, code);
  assert.equal(document.ok, code === 0);
  for (const error of document.errors) assert.notEqual(error.code, 'bug', error.message);
}
