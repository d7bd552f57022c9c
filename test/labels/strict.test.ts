import { expect, it } from 'vitest';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const LABELS = {
  'labels/chest_dx.csv': lines(
    CHEST_HEADER,
    chestRow('p1_000.jpg', 'ChestDx-1', 'Mass'),
    chestRow('p2_000.jpg', 'ChestDx_PE-1', 'No_finding'),
  ),
  'labels/viral_pneumonia_COVID-19.csv': lines('image,COVID-19', 'p3_000.jpg,True'),
};

it.each<{ name: string; images: string[]; without?: keyof typeof LABELS; remarks: string[] }>([
  {
    name: 'every image has the labels due',
    images: ['ChestDx-1/p1_000.jpg', 'ChestDx_PE-1/p2_000.jpg', 'Viral-1/p3_000.jpg'],
    remarks: [],
  },
  {
    name: 'no label file covers the class',
    images: ['ChestDx-1/p1_000.jpg', 'Normal-1/p4_000.jpg', 'Other-1/p5_000.jpg'],
    remarks: [],
  },
  {
    name: 'chest_dx.csv has no row for an image of ChestDx',
    images: ['ChestDx-1/p1_000.jpg', 'ChestDx-1/p1_001.jpg'],
    remarks: ['image-without-row chest_dx.csv'],
  },
  {
    name: 'nor for one of ChestDx-PE',
    images: ['ChestDx_PE-1/p2_000.jpg', 'ChestDx_PE-2/p2_001.jpg'],
    remarks: ['image-without-row chest_dx.csv', 'patient-in-two-archives undefined'],
  },
  {
    name: 'an image of viral pneumonia has no tag',
    images: ['Viral-1/p3_000.jpg', 'Viral-2/p6_000.jpg'],
    remarks: ['image-without-row viral_pneumonia_COVID-19.csv'],
  },
  {
    name: 'the label file is not here',
    images: ['Viral-1/p3_000.jpg', 'ChestDx-1/p1_000.jpg'],
    without: 'labels/chest_dx.csv',
    remarks: ['no-label-file chest_dx.csv'],
  },
])('with --strict: $name', async ({ images, without, remarks }) => {
  const dest = await tempDir();
  const labels = Object.entries(LABELS).filter(([path]) => path !== without);
  await writeTree(dest, {
    ...Object.fromEntries(labels),
    ...Object.fromEntries(images.map((path) => [`images/${path}`, ''])),
  });
  const document = documentOf(
    (await runCli(['join', '--strict', '--json', '--dest', dest])).stdout,
  );
  const { remarks: all } = document.result as { remarks: Remark[] };
  const strict = all.filter((remark) => remark.strict);
  expect(strict.map(({ kind, file }) => `${kind} ${file}`)).toEqual(remarks);
  expect(document.exitCode).toBe(remarks.length > 0 ? 8 : 0);
});

interface Remark {
  readonly kind: string;
  readonly file: string;
  readonly strict: boolean;
}
