import { describe, expect, it } from 'vitest';
import type { IndexRow } from '../../src/labels/join.ts';
import { LeakSearch } from '../../src/split/leaks.ts';

/** @param place `A-1/p1_000.jpg` */
function rowOf(place: string): IndexRow {
  const [archive = '', image = ''] = place.split('/');
  return {
    ...{ path: `images/${place}`, image, archive, subset: '', class: null, check: 'named' },
    ...{ patientId: /^(.*)_/.exec(image)?.[1] ?? '', labels: null, covid: null },
  };
}

/** @param parts `train: p1_000.jpg p2_000.jpg` */
function check(here: readonly string[], ...parts: readonly string[]) {
  const listed = new Map<string, Set<string>>();
  for (const text of parts) {
    const [part = '', ...images] = text.split(/:? /);
    for (const image of images) {
      listed.set(image, (listed.get(image) ?? new Set<string>()).add(part));
    }
  }
  const search = new LeakSearch(listed);
  for (const place of here) search.add(rowOf(place));
  return search.finish();
}

const none = { count: 0, examples: [] };
const one = (example: string) => ({ count: 1, examples: [example] });

describe('a split that does not leak', () => {
  it('has each patient in one part', () => {
    const here = ['A-1/p1_000.jpg', 'A-1/p1_001.jpg', 'A-1/p2_000.jpg'];
    expect(check(here, 'train: p1_000.jpg p1_001.jpg', 'test: p2_000.jpg')).toEqual({
      ...{ leaks: false, images: 3, patients: 2, beside: [] },
      parts: [
        { part: 'train', images: 2, patients: 1 },
        { part: 'test', images: 1, patients: 1 },
      ],
      ...{ patientsInTwoParts: none, imagesInTwoParts: none, unknown: none, inNone: none },
    });
  });

  it('may have images whose names have no patient: each is one of its own', () => {
    const { leaks, patients } = check(['A-1/x.jpg'], 'train: x.jpg', 'test: y.jpg');
    expect([leaks, patients]).toEqual([false, 2]);
  });
});

describe('a split that leaks', () => {
  it('has images beside those of the same patient, which are counted for each two parts', () => {
    const here = ['A-1/p1_000.jpg', 'A-1/p1_001.jpg', 'A-2/p1_002.jpg', 'A-2/p2_000.jpg'];
    const found = check(
      here,
      'train: p1_000.jpg p1_001.jpg',
      'test: A-2/p1_002.jpg p2_000.jpg p3_000.jpg p4_000.jpg',
      'val: p3_001.jpg',
    );
    expect(found).toMatchObject({ leaks: true, images: 7, patients: 4 });
    expect(found.patientsInTwoParts).toEqual({ count: 2, examples: ['p1', 'p3'] });
    expect(found.imagesInTwoParts).toEqual(none);
    expect(found.beside).toEqual([
      { part: 'train', other: 'test', images: 2, patients: 1, share: 1 },
      { part: 'test', other: 'train', images: 1, patients: 1, share: 0.25 },
      { part: 'test', other: 'val', images: 1, patients: 1, share: 0.25 },
      { part: 'val', other: 'test', images: 1, patients: 1, share: 1 },
    ]);
  });

  it('may have an image twice, also once with its archive and once without', () => {
    const found = check(['A-1/p1_000.png'], 'train: A-1/p1_000.jpg', 'test: p1_000.jpg');
    expect(found).toMatchObject({ leaks: true, images: 1, unknown: none });
    expect(found.imagesInTwoParts).toEqual(one('A-1/p1_000.jpg'));
  });
});

it('says which images are not here, and which are in no part', () => {
  const here = ['A-1/p1_000.jpg', 'A-1/p2_000.jpg'];
  const found = check(here, 'train: A-2/p1_000.jpg', 'test: A-1/p2_000.jpg');
  expect(found).toMatchObject({ leaks: false, unknown: one('A-2/p1_000.jpg') });
  expect(found.inNone).toEqual(one('A-1/p1_000.jpg'));
});
