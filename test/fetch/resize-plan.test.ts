import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { noise } from '../support/fetching.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useServedDirectory } from '../support/served.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const serve = useServedDirectory();

interface Planned {
  readonly plan: {
    readonly bytesNeededOnDisk: number;
    readonly peak: Record<'bytes' | 'bytesOfImages' | 'bytesOfArchives', number> & {
      readonly about: boolean;
      readonly bytesBeforeResize?: number;
    };
  };
}

describe('the plan of fetch --low-disk --resize', () => {
  const fetchAll = ['fetch', '--subset', 'all', '--low-disk', '--dry-run'];

  it('of the published dataset counts the images by their pixels', async () => {
    const dest = join(await tempDir(), 'cc-cxri');
    const planOf = async (...more: readonly string[]) => {
      const ran = await runCli([...fetchAll, '--dest', dest, '--json', ...more]);
      expect(ran.code, ran.stderr).toBe(0);
      return (documentOf(ran.stdout).result as Planned).plan;
    };
    const published = await planOf();
    expect(published.peak).not.toHaveProperty('bytesBeforeResize');
    const { bytesOfImages, bytesOfArchives } = published.peak;
    const small = await planOf('--resize', '512');
    // A quarter of a byte a pixel of 512 x 512, of images of 265 KB.
    expect(small.peak.bytesOfImages / bytesOfImages).toBeCloseTo((0.25 * 512 ** 2) / 265_000, 3);
    expect(small.peak).toMatchObject({ bytesOfArchives, about: true });
    // The images of two archives are there in full before they are smaller.
    expect(small.peak.bytesBeforeResize).toBeGreaterThan(bytesOfArchives * 0.7);
    expect(small.peak.bytesBeforeResize).toBeLessThan(bytesOfArchives);
    const labelBytes = ({ peak }: Planned['plan']) =>
      peak.bytes - peak.bytesOfImages - peak.bytesOfArchives - (peak.bytesBeforeResize ?? 0);
    expect(labelBytes(small)).toBe(labelBytes(published));
    expect(small.bytesNeededOnDisk).toBe(small.peak.bytes);
    // So large that nothing becomes smaller: as much as without it.
    expect((await planOf('--resize', '4000')).peak).toEqual(published.peak);
  });

  it('says so to people', async () => {
    const dest = join(await tempDir(), 'cc-cxri');
    const { stdout } = await runCli([...fetchAll, '--dest', dest, '--resize', '512']);
    expect(stdout).toMatch(
      /at most on disk: about [\d.]+ GB \([\d.]+ GB of images, [\d.]+ GB of archives, [\d.]+ \wB of images to be resized at once\)/,
    );
  });
});

it.skipIf(!canMount)(
  'images fit, resized, on a disk that is too small for them as published',
  async () => {
    const raw = { width: 600, height: 500, channels: 1 } as const;
    const drawn = await sharp(noise('xray', 300_000), { raw })
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
    const released = await makeStandIn(join(await tempDir(), 'release'), {
      archives: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ name: `ChestDx-${n}`, images: 6 })),
      toJpeg: ({ archive, name }) => Buffer.concat([drawn, Buffer.from(`${archive}/${name}`)]),
    });
    const { url } = await serve(released.directory);
    const archiveBytes = 6 * drawn.length;
    // Two archives, their images in full, and room for six archives' images less than there are.
    const dest = join(await mounts.small(4.5 * archiveBytes + 1_000_000), 'cc-cxri');
    const fetch = (...more: readonly string[]) => {
      const from = ['--manifest', released.manifestPath, '--source', `${url}{name}`];
      return runCli(['fetch', '--subset', 'chestdx', ...from, '--dest', dest, ...more]);
    };
    const published = await fetch('--low-disk');
    expect(published.code).toBe(6);
    expect(published.stderr).toMatch(
      /the disk is too small .*\n(?:.*\n)+next: add --resize 512 \(/,
    );
    const planned = await fetch('--low-disk', '--resize', '300', '--dry-run');
    expect(planned.stdout).not.toContain('add --resize');
    const ran = await fetch('--low-disk', '--resize', '64');
    expect(ran.code, ran.stderr).toBe(0);
    expect(await listTree(layoutOf(dest).images)).toHaveLength(8 + 48);
  },
  60_000,
);
