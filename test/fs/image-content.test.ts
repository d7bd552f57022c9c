import { describe, expect, it } from 'vitest';
import { ImageCheck, imageFaultOf, isPicture } from '../../src/fs/image-content.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';

const JPEG = likeJpeg('x'.repeat(5000));
const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a', 'hex'),
  Buffer.alloc(2000, 1),
  Buffer.from('0000000049454e44ae426082', 'hex'),
]);
const zeros = (length: number) => Buffer.alloc(length);

const CASES: readonly {
  readonly name: string;
  readonly content: Buffer;
  readonly fault?: string;
}[] = [
  { name: 'a JPEG', content: JPEG },
  { name: 'a PNG', content: PNG },
  { name: 'the shortest JPEG', content: Buffer.from('ffd8ffd9', 'hex') },
  { name: 'zeros behind it', content: Buffer.concat([JPEG, zeros(3000)]) },
  { name: 'line ends behind it', content: Buffer.concat([JPEG, Buffer.from('\r\n\n ')]) },
  {
    name: 'a few bytes of a device behind it',
    content: Buffer.concat([JPEG, Buffer.from('SEFT')]),
  },
  { name: 'nothing', content: zeros(0), fault: 'empty' },
  { name: 'half a JPEG', content: JPEG.subarray(0, 2500), fault: 'cut' },
  { name: 'a JPEG without its last byte', content: JPEG.subarray(0, -1), fault: 'cut' },
  {
    name: 'a JPEG whose second half is zeros',
    content: Buffer.concat([JPEG.subarray(0, 2500), zeros(9000)]),
    fault: 'cut',
  },
  { name: 'half a PNG', content: PNG.subarray(0, 1000), fault: 'cut' },
  { name: 'HTML', content: Buffer.from('<!DOCTYPE html><p>busy'), fault: 'not-an-image' },
  { name: 'zeros alone', content: zeros(5000), fault: 'not-an-image' },
  { name: 'two bytes', content: JPEG.subarray(0, 2), fault: 'not-an-image' },
];

describe('#205 a picture by its first and last bytes', () => {
  it.each(CASES)('$name: $fault', ({ content, fault }) => {
    expect(imageFaultOf(content)).toBe(fault);
  });

  it.each(CASES)('$name in pieces of any size: $fault', ({ content, fault }) => {
    for (const size of [1, 7, 4096, 1 << 20]) {
      const check = new ImageCheck();
      const buffer = Buffer.alloc(size);
      for (let at = 0; at < content.length; at += size) {
        // One buffer for all, as a reader has.
        const bytes = content.copy(buffer, 0, at);
        check.add(buffer.subarray(0, bytes));
      }
      expect(check.fault).toBe(fault);
    }
  });

  it('is judged where its name says that it is one', () => {
    const names = ['a.jpg', 'b/c.JPEG', 'd.png', 'e.txt', 'jpg', 'f.jpg.txt', 'g.dcm'];
    expect(names.filter(isPicture)).toEqual(['a.jpg', 'b/c.JPEG', 'd.png']);
  });
});
