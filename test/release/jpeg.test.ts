import { describe, expect, it } from 'vitest';
import { encodeJpeg, withComment } from '../../scripts/release/jpeg.ts';
import { readSegments, sizeOfJpeg } from '../support/jpeg-segments.ts';

const picture = (width: number, height: number) => ({
  width,
  height,
  pixels: Uint8Array.from({ length: width * height }, (_, at) => (at * 7) % 256),
});

describe('encodeJpeg', () => {
  it.each([
    [64, 64],
    [100, 37],
    [1, 1],
  ])('writes one gray component, baseline, %i x %i', async (width, height) => {
    const jpeg = await encodeJpeg(picture(width, height));
    const { segments, trailing } = readSegments(jpeg);
    const frame = segments.find(({ marker }) => marker === 0xc0);
    expect(frame?.content[5]).toBe(1);
    expect(sizeOfJpeg(jpeg)).toEqual([width, height]);
    expect(trailing).toBe(0);
  });

  it('carries comments, its own and one put in later', async () => {
    const jpeg = withComment(await encodeJpeg(picture(8, 8), { comment: 'first' }), 'second');
    const comments = readSegments(jpeg).segments.filter(({ marker }) => marker === 0xfe);
    expect(comments.map(({ content }) => content.toString())).toEqual(['second', 'first']);
  });
});
