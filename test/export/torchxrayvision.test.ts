import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drawChest } from '../../scripts/release/draw-chest.ts';
import { encodeJpeg } from '../../scripts/release/jpeg.ts';
import { torchxrayvisionExporter } from '../../src/export/formats/torchxrayvision.ts';
import { LABELS } from '../../src/labels/label-names.ts';
import { parseCsv } from '../support/csv.ts';
import { type MadeImage, exportAll, imagesOf } from '../support/export-target.ts';
import { hasPandas, runPandas } from '../support/pandas.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const bitOf = (label: (typeof LABELS)[number]) => 1 << LABELS.indexOf(label);

const IMAGES: readonly Omit<MadeImage, 'bytes'>[] = [
  { place: 'ChestDx-1/patient1_000.jpg', labels: bitOf('Mass') | bitOf('Effusion') },
  { place: 'ChestDx-1/patient1_001.jpg', labels: 1 << 14 },
  { place: 'ChestDx-1/patient2_000.jpg', labels: bitOf('Pneumonia') },
  // Neither a finding nor No_Finding.
  { place: 'ChestDx-1/0012_000.jpg', labels: 0 },
  {
    place: 'Viral-1/patient3_000.jpg',
    row: { class: 'COVID-19', covid: true, subset: 'cc-cxri-p' },
  },
];

async function exportImages(split: string | undefined): Promise<string> {
  const directory = await tempDir();
  const picture = drawChest({ size: 32, patient: '1', image: '1', signs: ['Mass'] });
  const bytes = await encodeJpeg(picture);
  const images = imagesOf(
    IMAGES.map((image) => ({ ...image, bytes })),
    split,
  );
  await exportAll(torchxrayvisionExporter(), directory, [[split, images]]);
  return directory;
}

it('writes a CSV for each split beside the images', async () => {
  const directory = await exportImages('val');
  const files = (await listTree(directory)).filter((path) => path.includes('.'));
  expect(files).toEqual([...IMAGES.map(({ place }) => `images/${place}`).sort(), 'val.csv']);
  const rows = parseCsv(await readFile(join(directory, 'val.csv'), 'utf8'));
  expect(rows.map((row) => [row['Image Index'], row['Finding Labels']])).toEqual([
    ['ChestDx-1/patient1_000.jpg', 'Effusion|Mass'],
    ['ChestDx-1/patient1_001.jpg', 'No Finding'],
    ['ChestDx-1/patient2_000.jpg', 'Pneumonia'],
    ['ChestDx-1/0012_000.jpg', 'No Finding'],
    ['Viral-1/patient3_000.jpg', ''],
  ]);
  expect(rows.map(({ patientid, class: group }) => [patientid, group]).slice(3)).toEqual([
    ['0012', ''],
    ['patient3', 'COVID-19'],
  ]);
});

/** What `NIH_Dataset` makes of such a file, in its terms: views, findings, patients, and the image of each row. */
const AS_NIH_DATASET = `
root, names = sys.argv[1], sys.argv[2].split(',')
csv = pd.read_csv(root + '/labels.csv')
csv['view'] = csv['View Position']
assert csv.view.isin(['UNKNOWN']).all()
found = np.asarray([csv['Finding Labels'].str.contains(name).values for name in names]).T.astype(np.float32)
np.testing.assert_array_equal(found, csv[names].to_numpy(np.float32))
assert (csv['Patient Age'] * 1.0).isna().all() and not (csv['Patient Gender'] == 'M').any()
assert (csv['Patient ID'].astype(str) == csv['patientid']).all()
modes = [Image.open(os.path.join(root + '/images', name)).mode for name in csv['Image Index']]
print(json.dumps({
    'labels': [[None if np.isnan(value) else int(value) for value in row] for row in found],
    'patients': csv.groupby('Patient ID').first().reset_index()['Patient ID'].tolist(),
    'covid': csv['COVID-19'].astype('Int64').astype(str).tolist(), 'modes': modes,
}))
`;

it.runIf(hasPandas)('writes what NIH_Dataset of torchxrayvision reads', async () => {
  const directory = await exportImages(undefined);
  const flags = (labels: number) => LABELS.map((_, at) => (labels >> at) & 1);
  expect(runPandas(AS_NIH_DATASET, directory, LABELS.join())).toEqual({
    labels: IMAGES.map(({ labels }) =>
      labels === undefined ? LABELS.map(() => null) : flags(labels),
    ),
    patients: ['0012', 'patient1', 'patient2', 'patient3'],
    covid: ['<NA>', '<NA>', '<NA>', '<NA>', '1'],
    modes: IMAGES.map(() => 'L'),
  });
});
