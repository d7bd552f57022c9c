import assert from 'node:assert/strict';
import { lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { MemberContent } from '../../src/dataset/ledger.ts';
import type { ZipDirectory } from '../../src/zip/directory.ts';
import { toMemberContents } from '../../src/dataset/ledger.ts';
import { checkMembers, extractMembers } from '../../src/zip/member.ts';
import { openFileReader } from '../../src/zip/reader.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import { assertListedAlike } from '../support/listing.ts';
import { readDirectory } from '../support/read-directory.ts';
import { buildZip } from '../support/zip-builder.ts';
import { type ByteEdit, byteEdits, editBytes } from './edit-bytes.ts';
import { type Fuzz, toFuzz } from './harness.ts';
import { Sandbox } from './sandbox.ts';
import { LARGE_BASES, ZIP_BASES } from './zip-bases.ts';
import { type FieldEdit, editField, fieldEdits } from './zip-edits.ts';
import { ToolCheck, assertSameInYauzl } from './zip-peers.ts';
import { type BuiltZip, builtZips } from './zip-shapes.ts';

const FILE = 'ChestDx-1.zip';

type ZipBase =
  | { readonly from: 'good' | 'large'; readonly base: number }
  | ({ readonly from: 'built' } & BuiltZip)
  | { readonly from: 'noise'; readonly bytes: Uint8Array };

interface ZipInput {
  readonly base: ZipBase;
  readonly edits: readonly (ByteEdit | FieldEdit)[];
}

const SIGNATURES = [
  'PK\x03\x04',
  'PK\x01\x02',
  'PK\x05\x06',
  'PK\x06\x06',
  'PK\x06\x07',
  'PK\x07\b',
];
const TOKENS = [
  ...[...SIGNATURES, '../', '/', '\0', 'ä'].map((text) => Buffer.from(text)),
  ...['ffff', 'ffffffff', '0000', '00000000', '0100', '0008', '7570'].map((hex) =>
    Buffer.from(hex, 'hex'),
  ),
  ZIP_BASES[0]?.subarray(-22) ?? '',
  ZIP_BASES[1]?.subarray(-107) ?? '',
];

const edits = fc.oneof(
  { weight: 3, arbitrary: fieldEdits },
  { weight: 2, arbitrary: byteEdits(TOKENS) },
);
const few = fc.array(edits, { minLength: 1, maxLength: 3 });
const built = builtZips.map((zip) => ({ from: 'built' as const, ...zip }));

const inputs: fc.Arbitrary<ZipInput> = fc.oneof(
  {
    weight: 45,
    arbitrary: fc.record({
      base: fc.record({ from: fc.constant('good' as const), base: fc.nat(ZIP_BASES.length - 1) }),
      edits: few,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      base: fc.record({ from: fc.constant('large' as const), base: fc.nat(1) }),
      edits: few,
    }),
  },
  { weight: 35, arbitrary: fc.record({ base: built, edits: fc.constant([]) }) },
  { weight: 10, arbitrary: fc.record({ base: built, edits: few }) },
  {
    weight: 8,
    arbitrary: fc.record({
      base: fc.record({
        from: fc.constant('noise' as const),
        bytes: fc.uint8Array({ maxLength: 300 }),
      }),
      edits: fc.array(byteEdits(TOKENS), { minLength: 1, maxLength: 8 }),
    }),
  },
);

function build({ base, edits: changes }: ZipInput): Buffer {
  return changes.reduce(
    (bytes, edit) => (edit.edit === 'field' ? editField(bytes, edit) : editBytes(bytes, edit)),
    toBase(base),
  );
}

function toBase(base: ZipBase): Buffer {
  switch (base.from) {
    case 'good':
      return ZIP_BASES[base.base] ?? Buffer.alloc(0);
    case 'large':
      return LARGE_BASES[base.base] ?? Buffer.alloc(0);
    case 'built':
      return buildZip(base.members, base.shape);
    case 'noise':
      return Buffer.from(base.bytes);
  }
}

/** Archives through the gate, and unpacked; `sampleEvery`: of those taken, for unzip and Python. */
export function zipTargets(sandbox: Sandbox, sampleEvery: number): readonly Fuzz[] {
  const tools = new ToolCheck(sampleEvery);
  return [
    toFuzz({
      parser: 'zip',
      inputs,
      build,
      codes: ['unsafe-archive', 'damaged-archive'],
      parse: async (bytes: Buffer, input) => {
        sandbox.clear();
        await assertListedAlike(bytes);
        try {
          const taken = await extract(bytes, sandbox);
          await assertSameInYauzl(bytes, taken);
          tools.sample(bytes, taken, input);
        } finally {
          sandbox.assertKept();
        }
        return true;
      },
      finish: () => tools.finish(),
    }),
  ];
}

/**
 * What was unpacked is what the directory says: no file more or less, each with its size and CRC. A
 * check alone ends in the same way.
 */
async function extract(bytes: Buffer, { inside: into, root }: Sandbox): Promise<ZipDirectory> {
  const directory = await readDirectory(bufferReader(bytes), { file: FILE });
  const path = join(root, 'outside.txt');
  writeFileSync(path, bytes);
  const fromFile = await openFileReader(path);
  try {
    const checking = checkMembers(fromFile, directory, { file: FILE });
    const [checked] = await Promise.allSettled([checking]);
    const extracting = extractMembers(fromFile, directory, { file: FILE, into });
    const [extracted] = await Promise.allSettled([extracting]);
    assert.equal(checked.status, extracted.status, 'checked and unpacked to two answers');
    if (extracted.status === 'rejected') throw extracted.reason;
    assertAsTold(directory, toMemberContents(directory.members), into);
  } finally {
    await fromFile.close();
    assert(readFileSync(path).equals(bytes), 'the archive was changed');
    writeFileSync(path, 'outside');
  }
  return directory;
}

function assertAsTold(
  directory: ZipDirectory,
  records: readonly MemberContent[],
  root: string,
): void {
  const { members, totalBytes } = directory;
  assert.deepEqual(readTree(root), toTree(records));
  assert.deepEqual(
    records,
    members.map(({ name, size, crc32: crc }) => ({ path: name, bytes: size, crc32: crc })),
  );
  const folded = new Set(members.map(({ name }) => name.normalize('NFC').toLowerCase()));
  assert.equal(folded.size, members.length, 'two names that are one on some system');
  assert.equal(
    totalBytes,
    members.reduce((sum, { size }) => sum + size, 0),
  );
}

type Tree = Readonly<Record<string, string>>;

function toTree(records: readonly MemberContent[]): Tree {
  return sorted(records.map(({ path, bytes, crc32: crc }) => [path, `${bytes} bytes, ${crc}`]));
}

/** Plain files alone, by what lies on the disk. */
function readTree(root: string, below = ''): Tree {
  const names = readdirSync(join(root, below), { encoding: 'utf8' });
  const found = names.flatMap((name): readonly (readonly [string, string])[] => {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(root, path));
    if (stats.isDirectory()) return Object.entries(readTree(root, path));
    assert(stats.isFile() && stats.nlink === 1, `${path} is no plain file`);
    const content = readFileSync(join(root, path));
    return [[path, `${content.length} bytes, ${crc32(content)}`]];
  });
  return sorted(found);
}

function sorted(pairs: readonly (readonly [string, string])[]): Tree {
  // A name may be `__proto__`.
  const tree: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [path, what] of [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))) tree[path] = what;
  return tree;
}
