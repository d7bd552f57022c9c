import { describe, expect, it } from 'vitest';
import type { IndexRow } from '../../src/labels/join.ts';
import { LABEL_COLUMNS, type LabelColumn } from '../../src/labels/label-names.ts';
import { StatsCounter } from '../../src/labels/stats.ts';

type Facts = Partial<Pick<IndexRow, 'covid' | 'class' | 'check'>>;

/** @param labels none: not known; []: known, and none of them */
function row(image: string, labels?: readonly LabelColumn[], facts: Facts = {}): IndexRow {
  const bits = labels?.reduce((sum, label) => sum | (1 << LABEL_COLUMNS.indexOf(label)), 0);
  return {
    path: `images/A-1/${image}`,
    image,
    archive: 'A-1',
    subset: '',
    class: null,
    patientId: image.slice(0, Math.max(0, image.lastIndexOf('_'))),
    labels: bits ?? null,
    covid: null,
    check: 'verified',
    ...facts,
  };
}

function counted(...archives: readonly (readonly [subsets: string, ...rows: IndexRow[]])[]) {
  const counter = new StatsCounter();
  for (const [subsets, ...rows] of archives) counter.add({ subsets: subsets.split(' ') }, rows);
  return counter.finish();
}

describe('StatsCounter', () => {
  it('counts images and patients by label, of the images of which it is known', () => {
    const { images, patients, labels, pairs } = counted([
      'chestdx',
      row('p1_000.jpg', ['Mass', 'Edema']),
      row('p1_001.jpg', ['Mass']),
      row('p2_000.jpg', ['No_Finding']),
      row('p3_000.jpg', []),
      row('p3_001.jpg'),
      row('nobody.jpg'),
    ]);
    expect([images, patients]).toEqual([6, 3]);
    expect(labels).toHaveLength(15);
    expect(labels.filter((each) => each.images > 0)).toEqual([
      { label: 'Edema', images: 1, patients: 1, known: 4 },
      { label: 'Mass', images: 2, patients: 1, known: 4 },
      { label: 'No_Finding', images: 1, patients: 1, known: 4 },
    ]);
    expect(pairs).toEqual([{ label: 'Edema', other: 'Mass', images: 1 }]);
  });

  it('counts an archive in each subset that it is in', () => {
    const viral: Facts = { covid: true, class: 'COVID-19', check: 'crc-checked' };
    const { archives, checks, classes, labels, subsets } = counted(
      ['chestdx', row('p1_000.jpg', ['Mass'])],
      ['cc-cxri-p normal', row('p5_000.jpg', undefined, { class: 'Normal', check: 'named' })],
      ['cc-cxri-p viral', row('p2_000.jpg', undefined, viral), row('p2_001.jpg')],
    );
    expect(archives).toBe(3);
    expect(checks).toEqual({
      verified: 2,
      'content-checked': 0,
      'crc-checked': 1,
      named: 1,
      resized: 0,
    });
    expect(classes).toEqual({ Normal: 1, Viral: 0, 'COVID-19': 1, Other: 0, none: 2 });
    expect(labels.at(-1)).toEqual({ label: 'COVID-19', images: 1, patients: 1, known: 1 });
    const short = subsets.map(({ subset, archives: n, images, patients, labels: of }) => [
      ...[subset, n, images, patients],
      of.length,
    ]);
    expect(short).toEqual([
      ['chestdx', 1, 1, 1, 15],
      ['cc-cxri-p', 2, 3, 2, 1],
      ['normal', 1, 1, 1, 0],
      ['viral', 1, 2, 1, 1],
    ]);
  });

  it('says how many patients have how many images, the fewest first', () => {
    const names = ['a_0.jpg', 'b_0.jpg', 'c_0.jpg', 'c_1.jpg', 'c_2.jpg', 'plain.jpg'];
    const { imagesPerPatient } = counted(['chestdx', ...names.map((name) => row(name))]);
    expect(imagesPerPatient).toEqual([
      { images: 1, patients: 2 },
      { images: 3, patients: 1 },
    ]);
  });
});
