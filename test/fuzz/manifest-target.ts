import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { finalPathOf, imagesPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { BUNDLED_MANIFEST_PATH, parseManifest } from '../../src/manifest/load.ts';
import { type Manifest, selectFiles, subsetNames } from '../../src/manifest/manifest.ts';
import { aboutBytesOf, windowOf } from '../../src/manifest/size.ts';
import { buildJson, editedJson } from './edit-json.ts';
import { toFuzz, type Fuzz } from './harness.ts';

const BUNDLED = JSON.parse(readFileSync(BUNDLED_MANIFEST_PATH, 'utf8')) as Manifest;
const [first, second] = BUNDLED.files;

const SMALL = {
  ...BUNDLED,
  files: [
    { ...first, bytes: 600_000_000, url: 'https://h.test/ChestDx-1.zip' },
    { ...second, md5Disputed: 'it stands twice' },
    ...BUNDLED.files.filter(({ kind }) => kind === 'labels'),
  ],
};

const BASES = [{ ...BUNDLED, files: [...BUNDLED.files] }, SMALL, SMALL, SMALL, SMALL, SMALL];
const KEYS = ['manifestVersion', 'files', 'subsets', 'bytes', 'size', 'kind', 'md5Disputed'];

/** Names that clash with others on some system, or lead somewhere; sizes and digests that nearly fit. */
const VALUES = [
  ...['CHESTDX-1.ZIP', 'ChestDx-1', 'chestdx-2.zip', 'ChestDx-1.zip.zip', 'Chest_DX.csv', 'x.ZIP'],
  ...['a/b.zip', '../x.zip', '.x.zip', 'x.zip.', 'con.zip', 'x .zip', 'ChestDx‐1.zip', '.zip'],
  ...[
    '1K',
    '999999GB',
    '0MB',
    '573mb',
    first?.md5.toUpperCase(),
    `${first?.md5 ?? ''} `,
    second?.md5,
  ],
  ...['archive', 'labels', ['chestdx', 'chestdx-pe'], 600_000_000, 'https://h.test/ChestDx-1.zip'],
];

/** What is taken means the same when it is written and read again, and leads nowhere else. */
export const manifestTargets: readonly Fuzz[] = [
  toFuzz({
    parser: 'manifest',
    inputs: editedJson(BASES, KEYS, VALUES),
    build: (input) => buildJson(BASES, input),
    codes: ['manifest-invalid'],
    parse: (text: string) => {
      const manifest = parseManifest(text, 'lab.json');
      assert.deepEqual(parseManifest(JSON.stringify(manifest)), manifest);
      assertUsable(manifest);
      assert.equal(Reflect.get({}, 'polluted'), undefined);
      return true;
    },
  }),
];

function assertUsable(manifest: Manifest): void {
  const { files } = manifest;
  assert.deepEqual(selectFiles(manifest, { subsets: ['all'] }), files);
  const [root, paths] = [resolve('/data/set'), new Set<string>()];
  for (const file of files) {
    const layout = layoutOf(root);
    const path = finalPathOf(layout, file);
    const folder = file.kind === 'archive' ? layout.archives : layout.labels;
    assert.equal(path, join(folder, file.name));
    assert.equal(resolve(path, '..'), folder, `${file.name} leads elsewhere`);
    assert.equal(resolve(imagesPathOf(layout, file.name), '..'), layout.images);
    paths.add(imagesPathOf(layout, file.name).toLowerCase());
    assert.match(file.md5, /^[0-9a-f]{32}$/);
    const { minBytes, maxBytes } = windowOf(file);
    assert(minBytes >= 0 && minBytes <= maxBytes && Number.isSafeInteger(maxBytes), file.size);
    assert(Number.isSafeInteger(aboutBytesOf(file)));
    for (const subset of file.subsets) assert(subsetNames(manifest).includes(subset));
    assert.deepEqual(selectFiles(manifest, { files: [file.name] }), [file]);
  }
  assert.equal(paths.size, files.length, 'two files of one name');
}
