import { describe, expect, it } from 'vitest';
import { type ArchiveImages, type ChestLabels, joinArchive } from '../../src/labels/join.ts';
import { ImageSample } from '../../src/report/image-sample.ts';

const HERNIA = 1 << 7;
const PATIENTS = Array.from({ length: 30 }, (_, at) => `patient${at}`);

/** Archives with two images of each patient, of which the first has a label. */
function sampleOf(perLabel: number, ofAll: number, patients = PATIENTS, broken = ''): ImageSample {
  const images = patients.flatMap((patient) => [`${patient}_000.jpg`, `${patient}_001.jpg`]);
  const bits = images.map((image) => [image, image.endsWith('_000.jpg') ? HERNIA : 0] as const);
  const chest: ChestLabels = {
    ...{ form: 'chest', file: 'chest_dx.csv', rows: 0, extraColumns: [] },
    repeated: { count: 0, examples: [] },
    byArchive: new Map([['ChestDx-1', new Map(bits)]]),
  };
  const archive: ArchiveImages = {
    ...{ file: 'ChestDx-1.zip', stem: 'ChestDx-1', subsets: ['chestdx'], images, strays: [] },
    ...{ membersKnown: false, areSingle: false, checks: new Map(), unexpected: [], damaged: [] },
    broken: broken === '' ? [] : [{ path: broken, why: 'empty' }],
  };
  const sample = new ImageSample(perLabel, ofAll);
  const rows = joinArchive(archive, { chest: [chest], covid: [] });
  sample.add({ archive, rows, record: undefined });
  return sample;
}

function namesOf(sample: ImageSample, label: string): readonly string[] {
  const images = sample.byLabel.find((each) => each.label === label)?.images ?? [];
  return images.map(({ row }) => row.image);
}

describe('the images of a contact sheet', () => {
  it('are as many as asked for, each of another patient, the same ones every time', () => {
    const picked = namesOf(sampleOf(5, 0), 'Hernia');
    expect(picked).toHaveLength(5);
    expect(picked.every((image) => image.endsWith('_000.jpg'))).toBe(true);
    expect(namesOf(sampleOf(5, 0, [...PATIENTS].reverse()), 'Hernia')).toEqual(picked);
    expect(namesOf(sampleOf(3, 0), 'Hernia')).toEqual(picked.slice(0, 3));
    const { ofAll } = sampleOf(0, 100);
    expect(new Set(ofAll.map(({ row }) => row.patientId)).size).toBe(30);
    expect(ofAll).toHaveLength(30);
  });

  it('are none where none are asked for, and none that are known to be broken', () => {
    expect(sampleOf(0, 0).byLabel).toEqual([]);
    const all = namesOf(sampleOf(100, 0), 'Hernia');
    expect(all).toHaveLength(30);
    const [first = ''] = all;
    expect(namesOf(sampleOf(100, 0, PATIENTS, first), 'Hernia')).toEqual(all.slice(1));
  });
});
