import { expect, it } from 'vitest';
import { joinArchive } from '../../src/labels/join.ts';
import { ImageBytes } from '../../src/report/image-bytes.ts';

/** Counts images of these sizes, as of one archive; and one whose size is not known. */
function bytesOf(sizes: readonly number[]): ImageBytes {
  const images = sizes.map((bytes, at) => ({ path: `a/patient${at}_000.jpg`, bytes }));
  const members = images.map((each) => ({ ...each, crc32: 0, state: 'verified' as const }));
  const archive = { file: 'ChestDx-1.zip', stem: 'ChestDx-1', subsets: ['chestdx'] };
  const paths = [...images.map(({ path }) => path), 'unknown_000.jpg'];
  const counted = new ImageBytes();
  counted.add(joinArchive({ ...archive, images: paths }, { chest: [], covid: [] }), {
    ...{
      ledgerVersion: 2,
      archive: archive.file,
      md5: '',
      isComplete: true,
      extractedAt: '',
      members,
    },
  });
  return counted;
}

it.each<[sizes: readonly number[], median: number, steps: readonly string[]]>([
  [[], 0, ['0-1: 0']],
  [[300], 300, ['0-1: 1']],
  [[100, 2400, 9900], 2500, ['0-2: 1', '2-4: 1', '4-6: 0', '6-8: 0', '8-10: 1']],
  [
    [199_999, 200_000, 200_001, 950_000],
    200_500,
    ['0-200: 1', '200-400: 2', '400-600: 0', '600-800: 0', '800-1000: 1'],
  ],
])('counts images of %j bytes', (sizes, median, steps) => {
  const { all, bySubset } = bytesOf(sizes);
  const counted = all.finish();
  expect(counted).toEqual({
    images: sizes.length,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    smallest: sizes.length === 0 ? 0 : Math.min(...sizes),
    median,
    largest: Math.max(0, ...sizes),
  });
  expect(all.steps(5).map(({ fromKb, toKb, images }) => `${fromKb}-${toKb}: ${images}`)).toEqual(
    sizes.length === 0 ? [] : steps,
  );
  expect([...bySubset.keys()]).toEqual(sizes.length === 0 ? [] : ['chestdx']);
});
