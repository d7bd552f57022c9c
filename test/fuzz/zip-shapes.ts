import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import {
  buildZip,
  endRecord,
  extraField,
  u32,
  unicodePath,
  type ZipMember,
  type ZipShape,
} from '../support/zip-builder.ts';
import { CANARY } from './sandbox.ts';

const DEEP = 'deep/'.repeat(70);

/** Names that lead out, clash, hide, or mean something to some system. */
const HOSTILE_NAMES: readonly (string | Buffer)[] = [
  ...['', '.', './', '..', '../', '../x', '../../x', '../../../x', 'a/../../x', '/', '//x'],
  ...[CANARY, `/${CANARY}`, `x/../../../../../..${CANARY}`, `C:${CANARY}`, '~/x', 'file:///x'],
  ...['..\\x', 'a\\b', 'C:\\x', 'C:x', '\\\\srv\\x', 'a:stream', 'x?', 'x*', '<x>', 'a|b', 'a"b'],
  ...['CON', 'aux.txt', 'COM1.jpg', 'COM¹', 'a.', 'a ', ' a', 'a/ /b', 'a//b', './a', 'a/./b'],
  ...['a', 'A', 'a/', 'a/b', 'A/b', 'a/b/c', 'T', 'T/', 'T/a', 't/a', '__MACOSX/._a', '__MACOSX'],
  ...['ä', 'a\u0308', 'ﬁ', 'fi', 'ß', 'SS', 'ſ', 'K', 'K', 'İ', 'ı', '𝐚', '\ud800', '日本.jpg'],
  ...['a\0b', 'a\nb', 'a\x1b[2Jb', 'a\u202egpj', 'a\u2028b', '\ufeffa', 'a\u00a0', 'a\u3000'],
  ...[
    'notes.',
    'Icon\r',
    'aux/x.txt',
    'T\\a.jpg',
    '/T/a.jpg',
    'T//a.jpg',
    'T/./a.jpg',
    '👨\u200d⚕.jpg',
  ],
  ...['__proto__', 'constructor/x', 'toString', 'patient1_000.jpg', 'T/patient1_000.jpg'],
  ...['x'.repeat(255), 'x'.repeat(256), `${'y'.repeat(200)}/`.repeat(6), DEEP, `${DEEP}x`],
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0x61, 0x80, 0x62]),
  Buffer.from('bild-\xe4.jpg', 'latin1'),
  Buffer.from([0xb2, 0xa1, 0xb2, 0xbf, 0x2e, 0x6a, 0x70, 0x67]),
  Buffer.from([0x2e, 0x2e, 0xc0, 0xaf, 0x78]),
];

const image = fc.nat(9).map((n) => `patient${n}_000.jpg`);
const names: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 12, arbitrary: image },
  { weight: 4, arbitrary: image.map((name) => `T/${name}`) },
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE_NAMES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
/** Whole megabytes in a kilobyte. */
const BOMB = Buffer.alloc(1_500_000);
const contents: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 30, arbitrary: fc.nat(200).map((n) => 'image '.repeat(n)) },
  { weight: 10, arbitrary: bytes },
  { weight: 3, arbitrary: fc.constant(buildZip([{ name: 'inner.jpg', content: 'inside' }])) },
  { weight: 1, arbitrary: fc.constant(BOMB) },
);

const PACKED: readonly Buffer[] = [
  Buffer.alloc(0),
  deflateRawSync('image '.repeat(9)),
  deflateRawSync(BOMB),
  Buffer.concat([deflateRawSync('one'), deflateRawSync('two')]),
  deflateRawSync('image '.repeat(50)).subarray(0, -2),
  Buffer.concat([deflateRawSync('image'), Buffer.alloc(300_000)]),
];

const u16s = fc.oneof(fc.constantFrom(0, 1, 8, 9, 12, 99, 0x800, 0xffff), fc.nat(0xffff));
const u32s = fc.oneof(
  fc.constantFrom(0, 1, 54, 0xfffffffe, 0xffffffff, 0x7fffffff, 1_500_000),
  fc.nat(2000),
  fc.nat(0xffffffff),
);

const extras: fc.Arbitrary<Buffer> = fc.oneof(
  bytes,
  fc.tuple(fc.constantFrom(1, 0x7075, 0x5455, 0x9901, 0xcafe), bytes).map(([id, data]) => {
    return extraField(id, [data]);
  }),
  fc.tuple(fc.constantFrom(...HOSTILE_NAMES), image).map(([path, name]) => {
    return unicodePath(path.toString(), name);
  }),
);

const headerLies = fc.oneof(
  fc.record({ name: fc.oneof(names, fc.constantFrom(...HOSTILE_NAMES)) }),
  fc.record({ method: u16s }),
  fc.record({ flags: u16s }),
  fc.record({ crc32: u32s }),
  fc.record({ compressedSize: u32s }),
  fc.record({ size: u32s }),
  fc.record({ extra: extras }),
);

/** One lie each, or an honest oddity. */
const lies: fc.Arbitrary<Partial<ZipMember>> = fc.oneof(
  fc.record({ method: u16s }),
  fc.record({ packed: fc.oneof(fc.constantFrom(...PACKED), bytes) }),
  fc.record({ flags: u16s }),
  fc.record({ mode: fc.constantFrom(0o100644, 0o120777, 0o40755, 0o10644, 0o140777, 0o104755) }),
  fc.record({ mode: u16s }),
  fc.record({ attributes: fc.nat(0xff) }),
  fc.record({ host: fc.constantFrom(0, 3, 10, 11, 14, 19) }),
  fc.record({ date: u16s, time: u16s }),
  fc.record({ crc32: u32s }),
  fc.record({ compressedSize: u32s }),
  fc.record({ size: u32s }),
  fc.record({ extra: extras }),
  fc.record({ comment: bytes }),
  fc.record({ local: headerLies }),
  fc.record({ central: headerLies }),
  fc.record({ central: fc.record({ headerStart: u32s }) }),
  fc.record({ central: fc.record({ disk: u16s }) }),
  fc.record({ zip64: fc.constant(true) }),
  fc.record({ descriptor: fc.constantFrom('signed', 'plain', 'zip64', 'missing') }),
  fc.record({ descriptor: bytes }),
  fc.record({ gapBefore: bytes }),
  fc.record({ only: fc.constantFrom('directory', 'bytes') }),
);

const members: fc.Arbitrary<ZipMember> = fc
  .record({
    name: names,
    content: contents,
    method: fc.constantFrom(0, 8, 8, 8),
    lies: fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(lies, { minLength: 1, maxLength: 2 }) },
    ),
    behind: fc.oneof(
      { weight: 30, arbitrary: fc.constant(Buffer.alloc(0)) },
      { weight: 1, arbitrary: bytes },
    ),
  })
  .map(({ lies: told, behind, ...honest }) => {
    // Right in size and CRC, and then something that nobody sees.
    const packed = Buffer.concat([deflateRawSync(honest.content), behind]);
    const padded = behind.length > 0 && honest.method === 8 ? { packed } : {};
    return Object.assign({}, honest, padded, ...told) as ZipMember;
  });

/** An end record of another archive, with the other's directory in front of it, or without. */
const OTHER = buildZip([{ name: 'other.jpg', content: 'another archive', method: 0 }]);
const comments: fc.Arbitrary<Buffer> = fc.oneof(
  bytes,
  fc.constantFrom(
    OTHER,
    OTHER.subarray(-22),
    Buffer.concat([OTHER, Buffer.alloc(7)]),
    endRecord({ count: 0, directoryBytes: 0, directoryStart: 0 }),
    Buffer.concat([u32(0x07064b50), Buffer.alloc(16)]),
  ),
);
const u64s = fc.oneof(
  u32s.map((n) => BigInt(n)),
  fc.constantFrom(2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);

const shapes: fc.Arbitrary<ZipShape> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  ...[
    fc.record({ comment: comments }),
    fc.record({ prefix: fc.oneof(bytes, fc.constant(OTHER)) }),
    fc.record({ prefix: bytes, offsetsCountPrefix: fc.constant(true) }),
    fc.record({ gapBeforeDirectory: bytes }),
    fc.record({ gapAfterDirectory: bytes }),
    fc.record({ trailing: fc.oneof(bytes, comments) }),
    fc.record({ comment: comments, trailing: comments }),
    fc.record({ end: fc.record({ count: u16s }) }),
    fc.record({ end: fc.record({ directoryBytes: u32s }) }),
    fc.record({ end: fc.record({ directoryStart: u32s }) }),
    fc.record({ end: fc.record({ disk: u16s, countHere: u16s }) }),
    fc.record({ end: fc.record({ commentLength: u16s }) }),
    fc.record({ zip64: fc.constant(true) }),
    fc.record({ zip64: fc.constant(true), comment: comments }),
    fc.record({ zip64: fc.record({ count: u64s }) }),
    fc.record({ zip64: fc.record({ directoryBytes: u64s, directoryStart: u64s }) }),
    fc.record({ zip64: fc.record({ recordAt: u64s }) }),
    fc.record({ zip64: fc.record({ data: bytes }), end: fc.record({ count: u16s }) }),
  ].map((arbitrary: fc.Arbitrary<ZipShape>) => ({ weight: 1, arbitrary })),
);

export interface BuiltZip {
  readonly members: readonly ZipMember[];
  readonly shape: ZipShape;
}

/** A member whose bytes hold another one, headers and all, which the directory lists as well. */
const overlaps: fc.Arbitrary<BuiltZip> = fc
  .record({ outer: image, inner: names, content: contents, shape: shapes })
  .map(({ outer, inner, content, shape }) => ({
    members: [
      { name: outer, method: 0, content: buildZip([{ name: inner, content }]) },
      { name: inner, content, only: 'directory', central: { headerStart: 30 + outer.length } },
    ],
    shape,
  }));

/** Two names that are one where case, accents or ligatures do not count; or a file and a folder. */
const TWINS: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => name.replace('p', 'P'),
  (name) => name.replace('e', 'e\u0301'),
  (name) => name.replace('i', 'ı'),
  (name) => `${name}/x`,
  (name) => `${name}/`,
  (name) => `./${name}`,
  (name) => `/${name}`,
  (name) => `\ufeff${name}`,
  (name) => name,
];
const twins: fc.Arbitrary<BuiltZip> = fc
  .record({
    name: fc.oneof(image, fc.constantFrom('é.jpg', 'ﬁ.jpg', 'straße.jpg')),
    twin: fc.constantFrom(...TWINS),
    content: contents,
    other: fc.option(contents, { nil: undefined }),
    lie: fc.oneof(fc.constant({}), lies),
    shape: shapes,
  })
  .map(({ name, twin, content, other, lie, shape }) => ({
    members: [
      { name, content },
      { name: twin(name), content: twin(name).endsWith('/') ? '' : (other ?? content), ...lie },
    ],
    shape,
  }));

/** Archives as the builder makes them, most with one or two lies. */
const liedAbout: fc.Arbitrary<BuiltZip> = fc.record({
  members: fc.oneof(
    { weight: 9, arbitrary: fc.array(members, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(members, { maxLength: 12 }) },
  ),
  shape: shapes,
});

export const builtZips: fc.Arbitrary<BuiltZip> = fc.oneof(
  { weight: 40, arbitrary: liedAbout },
  { weight: 1, arbitrary: overlaps },
  { weight: 3, arbitrary: twins },
);
