// Makes the release that `ccxri demo` serves (manifests/demo/): `npm run demo-release`. Drawn images
// under real names; what the demo needs at run time is these files alone.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { drawJpeg } from './release/archive-file.ts';
import { makeRelease } from './release/make-release.ts';
import type { ReleaseSpec } from './release/release-types.ts';

/** Width and height in pixels, and a JPEG quality, that keep the whole release near 150 KB. */
const SIZE = 128;
const QUALITY = 30;

/** Small archives of every group, with and without the folder inside: 86 images. */
const DEMO: ReleaseSpec = {
  seed: 'demo',
  dataset: 'CC-CXRI demo (synthetic)',
  archives: [
    { name: 'ChestDx-1', images: 18, imageSize: SIZE },
    { name: 'ChestDx-2', images: 14, imageSize: SIZE, topFolder: true },
    { name: 'ChestDx_PE-1', images: 14, imageSize: SIZE },
    { name: 'Normal-1', images: 10, imageSize: SIZE },
    { name: 'Viral-1', images: 12, imageSize: SIZE, topFolder: true },
    { name: 'Viral-2', images: 8, imageSize: SIZE },
    { name: 'Other-1', images: 10, imageSize: SIZE },
  ],
  toJpeg: (image) => drawJpeg(image, QUALITY),
};

const directory = fileURLToPath(new URL('../manifests/demo', import.meta.url));
await rm(directory, { recursive: true, force: true });
await makeRelease({ ...DEMO, directory });
