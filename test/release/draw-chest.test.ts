import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { drawChest, MADE_UP } from '../../scripts/release/draw-chest.ts';
import { encodeJpeg } from '../../scripts/release/jpeg.ts';
import { CHEST_LABEL_NAMES } from '../../scripts/release/release-types.ts';

describe('drawChest', () => {
  const facts = { size: 256, patient: 'p1', image: 'i1', signs: [] } as const;
  const draw = (changed: Partial<Parameters<typeof drawChest>[0]>) =>
    Buffer.from(drawChest({ ...facts, ...changed }).pixels);

  it('gives the same picture for a seed, on every engine', async () => {
    const image = drawChest({ ...facts, signs: CHEST_LABEL_NAMES });
    const pixels = createHash('md5').update(image.pixels).digest('hex');
    expect(pixels).toBe('8dc3509e51f650f393d5c286e0cc3b38');
    const jpeg = await encodeJpeg(image, { comment: MADE_UP });
    expect(jpeg.length).toBeGreaterThan(8_000);
    expect(jpeg.length).toBeLessThan(20_000);
  });

  it.each([...CHEST_LABEL_NAMES, 'viral', 'covid'] as const)('shows %s', (sign) => {
    const [without, withSign] = [draw({}), draw({ signs: [sign] })];
    const differences = without.map((value, at) => Math.abs(value - withSign[at]!));
    // The grain is the same: whatever differs is the sign.
    expect(differences.filter((value) => value >= 10).length).toBeGreaterThan(60);
    expect(differences.filter((value) => value === 0).length).toBeGreaterThan((256 * 256) / 2);
  });

  it('gives each picture its grain and each patient a chest', () => {
    expect(draw({}).equals(draw({}))).toBe(true);
    expect(draw({ image: 'i2' }).equals(draw({}))).toBe(false);
    const meanDifference = (a: Buffer, b: Buffer) =>
      a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;
    const sameChest = meanDifference(draw({}), draw({ image: 'i2' }));
    expect(meanDifference(draw({}), draw({ image: 'i2', patient: 'p2' }))).toBeGreaterThan(
      sameChest,
    );
  });

  it('says in white on black that it is made up, at every size', () => {
    for (const size of [64, 128, 256]) {
      const { pixels } = drawChest({ ...facts, size });
      const lower = pixels.subarray(Math.floor(size * 0.85) * size);
      const ink = lower.filter((value) => value === 235).length;
      const box = lower.filter((value) => value === 8).length;
      const dot = Math.max(1, Math.floor(size / 110)) ** 2;
      // MADE UP has 97 dots in letters of 5 x 7.
      expect(ink).toBeGreaterThanOrEqual(97 * dot);
      expect(box).toBeGreaterThan(ink);
    }
  });
});
