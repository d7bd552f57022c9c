import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { MD5_KERNEL, generate } from '../../scripts/kernels.ts';
import { Kernels, LaneMd5, Lanes, SPAN_BYTES, newState, toHex } from '../../src/hash/kernel.ts';
import { LANES } from '../../src/threads/budget.ts';
import { createRandom } from '../../scripts/release/random.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';

/** With SIMD, and as on a processor without it. */
const ENGINES = [
  ['with SIMD', new Lanes(new Kernels())],
  ['without SIMD', new Lanes(new Kernels({ simd: false }))],
] as const;

/** The MD5s of messages, one in each slot, hashed together. */
function hashTogether(lanes: Lanes, messages: readonly Uint8Array[]): readonly string[] {
  const works = messages.map((message, slot) => {
    lanes.slot(slot).set(message);
    const bytes = lanes.pad(slot, message.length, message.length);
    return { state: newState(), slot, bytes };
  });
  lanes.hash(works);
  return works.map(({ state }) => toHex(state));
}

describe.each(ENGINES)('%s', (_, lanes) => {
  it('has the MD5s of RFC 1321, appendix A.5', () => {
    const suite = {
      '': 'd41d8cd98f00b204e9800998ecf8427e',
      a: '0cc175b9c0f1b6a831c399e269772661',
      abc: '900150983cd24fb0d6963f7d28e17f72',
      'message digest': 'f96b697d7cb7938d525a2f31aaf161d0',
      abcdefghijklmnopqrstuvwxyz: 'c3fcd3d76192e4007dfb496cca67e13b',
    };
    const messages = Object.keys(suite).map((text) => Buffer.from(text));
    expect(hashTogether(lanes, messages)).toEqual(Object.values(suite));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'of every length from 0 to 260, in %i lanes of different lengths',
    (count) => {
      const data = randomBytes(1000, `lengths ${count}`);
      for (let length = 0; length <= 260; length += 1) {
        // The lengths around it in the other lanes; from other places, so that no two are alike.
        const messages = Array.from({ length: count }, (__, lane) =>
          data.subarray(lane * 31, lane * 31 + ((length + lane * 37) % 261)),
        );
        expect(hashTogether(lanes, messages), `length ${length}`).toEqual(messages.map(md5Of));
      }
    },
  );

  it('around the end of a slot', () => {
    const around = [-65, -64, -63, -10, -9, -8, -1, 0].map((step) => SPAN_BYTES + step);
    const data = randomBytes(SPAN_BYTES, 'span');
    const messages = around.map((length) => data.subarray(SPAN_BYTES - length));
    expect(hashTogether(lanes, messages)).toEqual(messages.map(md5Of));
  });

  it('continues streams that begin, end and change lanes at any time', () => {
    const random = createRandom('streams');
    const streams = Array.from({ length: 30 }, (__, at) => {
      const bytes = randomBytes(random.int(20_000), `stream ${at}`);
      return { bytes, state: newState(), done: 0, isPadded: false };
    });
    while (streams.some(({ isPadded }) => !isPadded)) {
      const open = streams.filter(({ isPadded }) => !isPadded);
      const some = open.filter(() => random.next() < 0.3).slice(0, LANES);
      const works = some.map((stream, slot) => {
        const { bytes, done, state } = stream;
        const piece = bytes.subarray(done, done + 64 * (1 + random.int(40)));
        lanes.slot(slot).set(piece);
        stream.done += piece.length;
        stream.isPadded = stream.done === bytes.length;
        const padded = stream.isPadded ? lanes.pad(slot, piece.length, bytes.length) : piece.length;
        return { state, slot, bytes: padded };
      });
      lanes.hash(works);
    }
    expect(streams.map(({ state }) => toHex(state))).toEqual(
      streams.map(({ bytes }) => md5Of(bytes)),
    );
  });

  it('counts the bits of a file of more than 4 GiB in 64 bits', () => {
    const totalBytes = 5 * 2 ** 30 + 3;
    const bytes = lanes.pad(0, 3, totalBytes);
    expect(bytes).toBe(64);
    // 0x1_4000_0003 bytes are 0xa_0000_0018 bits.
    expect(Buffer.from(lanes.slot(0).subarray(3, 64)).toString('hex')).toBe(
      `80${'00'.repeat(52)}180000000a000000`,
    );
  });
});

describe('one MD5 without node:crypto', () => {
  it.each([0, 1, 55, 56, 64, SPAN_BYTES - 1, SPAN_BYTES, SPAN_BYTES + 1, 2 * SPAN_BYTES + 777])(
    'of %i bytes in pieces of any length',
    (length) => {
      const random = createRandom(`pieces ${length}`);
      const bytes = randomBytes(length, 'pieces');
      const md5 = new LaneMd5();
      for (let at = 0; at < length;) {
        const piece = bytes.subarray(at, at + 1 + random.int(400_000));
        md5.update(piece);
        at += piece.length;
      }
      expect(md5.digest()).toBe(md5Of(bytes));
    },
  );
});

it('kernel.generated.ts is what the compiler makes of kernel.as.ts (`npm run kernels` writes it)', async () => {
  const path = new URL(`../../${MD5_KERNEL.path}.generated.ts`, import.meta.url);
  expect(await readFile(path, 'utf8')).toBe(await generate(MD5_KERNEL));
});
