import { expect, it } from 'vitest';
import { isCcxriError } from '../../src/errors.ts';
import { contentsInPieces, scratchArchive } from '../support/archive-file.ts';
import { bufferReader } from '../support/buffer-reader.ts';
import { readDirectory } from '../support/read-directory.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const file = 'x.zip';

/** One of each: packed, stored, empty, with descriptors, in folders, with extra fields, not ASCII. */
const ARCHIVES = [
  buildZip([
    { name: 'T/patient1_000.jpg', content: 'image one '.repeat(9) },
    { name: 'T/patient2_000.jpg', content: 'image two', method: 0, mode: 0o100644 },
    { name: 'T/empty', method: 0 },
    { name: 'T/sub/' },
    {
      name: 'T/sub/bild-ä.jpg',
      content: 'image three',
      extra: Buffer.from('55540500010000000a', 'hex'),
    },
  ]),
  buildZip(
    [
      { name: 'a.jpg', content: 'image one '.repeat(9), descriptor: 'signed' },
      { name: 'b.jpg', content: 'image two', descriptor: 'plain', zip64: true },
    ],
    { zip64: true, comment: Buffer.from('a comment') },
  ),
];

/** A function that gives what an archive unpacks to; undefined: it is refused, as it should be. */
async function newReader() {
  const scratch = scratchArchive(await tempDir());
  return async (bytes: Buffer): Promise<Readonly<Record<string, string>> | undefined> => {
    try {
      const directory = await readDirectory(bufferReader(bytes), { file });
      const contents = await contentsInPieces(scratch.fill(bytes), directory);
      return Object.fromEntries(
        [...contents].map(([name, content]) => [name, content.toString('latin1')]),
      );
    } catch (error) {
      if (isCcxriError(error, 'unsafe-archive', 'damaged-archive')) return undefined;
      throw error;
    }
  };
}

function* everyFlip(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ mask;
      yield flipped;
    }
  }
}

it.each([0, 1])(
  'a changed byte anywhere is refused, or changes nothing (archive %i)',
  async (which) => {
    const bytes = ARCHIVES[which] ?? Buffer.alloc(0);
    const contentsOf = await newReader();
    const right = await contentsOf(bytes);
    expect(Object.keys(right ?? {}).length).toBeGreaterThan(1);
    let refused = 0;
    for (const flipped of everyFlip(bytes)) {
      const found = await contentsOf(flipped);
      if (found === undefined) refused += 1;
      else expect(found).toEqual(right);
    }
    // Names, contents, sizes and places are most of an archive; dates, versions and modes the rest.
    expect(refused).toBeGreaterThan(bytes.length * 3 * 0.6);
  },
);

it.each([0, 1])('an archive that is cut anywhere is refused (archive %i)', async (which) => {
  const contentsOf = await newReader();
  const bytes = ARCHIVES[which] ?? Buffer.alloc(0);
  for (let end = 0; end < bytes.length; end += 1) {
    expect(await contentsOf(bytes.subarray(0, end))).toBeUndefined();
  }
});

it.each([0, 1])(
  'bytes that are lost, doubled or put in are never unpacked wrong (archive %i)',
  async (which) => {
    const bytes = ARCHIVES[which] ?? Buffer.alloc(0);
    const contentsOf = await newReader();
    const right = await contentsOf(bytes);
    for (let at = 0; at < bytes.length; at += 1) {
      const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
      for (const changed of [
        Buffer.concat([before, behind.subarray(1)]),
        Buffer.concat([before, bytes.subarray(at, at + 4), behind]),
        Buffer.concat([before, Buffer.from('PK\x05\x06'), behind]),
        Buffer.concat([before, bytes.subarray(-22), behind]),
      ]) {
        const found = await contentsOf(changed);
        if (found !== undefined) expect(found).toEqual(right);
      }
    }
  },
);

it('every field of every header at its extremes is refused, or changes nothing', async () => {
  for (const bytes of ARCHIVES) {
    const contentsOf = await newReader();
    const right = await contentsOf(bytes);
    for (const width of [2, 4, 8]) {
      for (let at = 0; at + width <= bytes.length; at += 1) {
        for (const fill of [0x00, 0x7f, 0xff]) {
          const changed = Buffer.from(bytes);
          changed.fill(fill, at, at + width);
          const found = await contentsOf(changed);
          if (found !== undefined) expect(found).toEqual(right);
        }
      }
    }
  }
});
