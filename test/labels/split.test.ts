import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type PartShare, type SplitPatient, splitPatients } from '../../src/labels/split.ts';
import { SplitBalance, wilson } from '../../src/labels/split-balance.ts';
import { bitOf, splitBitsOf } from '../../src/labels/split-labels.ts';

const SHARES: readonly PartShare[] = [
  { part: 'train', share: 0.8 },
  { part: 'val', share: 0.1 },
  { part: 'test', share: 0.1 },
];

/** Every tenth has Edema, every hundredth Hernia; the others have no finding. */
function patientsTo(most: number): readonly SplitPatient[] {
  return Array.from({ length: most }, (_, at) => {
    const label = at % 100 === 0 ? 'Hernia' : at % 10 === 0 ? 'Edema' : 'No_Finding';
    return { id: `patient${at}`, has: bitOf(label) };
  });
}

function sizes(parts: ReadonlyMap<string, string>, ids: readonly SplitPatient[]) {
  return SHARES.map(({ part }) => ids.filter(({ id }) => parts.get(id) === part).length);
}

describe('a split by hash', () => {
  const patients = patientsTo(2000);
  const plan = { parts: SHARES, seed: '1', stratify: false };
  const { parts, moved } = splitPatients(patients, plan);

  it('is decided by the SHA-256 of seed and patient', () => {
    for (const { id } of patients.slice(0, 200)) {
      const at = createHash('sha256').update(`1/${id}`).digest().readUIntBE(0, 6) / 2 ** 48;
      expect(parts.get(id)).toBe(at < 0.8 ? 'train' : at < 0.9 ? 'val' : 'test');
    }
    expect(moved).toBe(0);
  });

  it('never moves a patient when others come', () => {
    const few = splitPatients(patients.slice(700, 900), plan);
    for (const [id, part] of few.parts) expect(parts.get(id)).toBe(part);
    expect(few.parts.size).toBe(200);
  });

  it('has about the sizes asked for, and another seed gives another split', () => {
    const [train = 0, val = 0, test = 0] = sizes(parts, patients);
    expect(train + val + test).toBe(2000);
    for (const [size, share] of [
      [train, 0.8],
      [val, 0.1],
      [test, 0.1],
    ] as const) {
      expect(Math.abs(size / 2000 - share)).toBeLessThan(0.03);
    }
    const other = splitPatients(patients, { ...plan, seed: '2' }).parts;
    const same = patients.filter(({ id }) => other.get(id) === parts.get(id)).length;
    expect(same / 2000).toBeLessThan(0.75);
  });

  it('of folds is the whole part of hash times folds', () => {
    const folds = Array.from({ length: 7 }, (_, at) => ({ part: `fold${at}`, share: 1 / 7 }));
    const split = splitPatients(patients, { ...plan, parts: folds }).parts;
    for (const { id } of patients) {
      const at = createHash('sha256').update(`1/${id}`).digest().readUIntBE(0, 6) / 2 ** 48;
      expect(split.get(id)).toBe(`fold${Math.floor(at * 7)}`);
    }
  });
});

describe('a stratified split', () => {
  const patients = patientsTo(2000);
  const plan = { parts: SHARES, seed: '1', stratify: true };

  it.each(['Hernia', 'Edema', 'No_Finding'] as const)(
    'has its share of %s in each part',
    (label) => {
      const { parts } = splitPatients(patients, plan);
      const own = patients.filter(({ has }) => has === bitOf(label));
      for (const [at, size] of sizes(parts, own).entries()) {
        expect(Math.abs(size - own.length * (SHARES[at]?.share ?? 0))).toBeLessThan(1.5);
      }
    },
  );

  it('keeps the sizes of the parts, whatever the strata are', () => {
    const odd = patients.map(({ id }, at) => ({ id, has: 1 << (at % 19) }));
    for (const [at, size] of sizes(splitPatients(odd, plan).parts, odd).entries()) {
      expect(Math.abs(size - 2000 * (SHARES[at]?.share ?? 0))).toBeLessThan(1.5);
    }
  });

  it('does not depend on the order, and says how many it has moved', () => {
    const { parts, moved } = splitPatients(patients, plan);
    const back = splitPatients([...patients].reverse(), plan);
    expect(new Map([...back.parts].sort())).toEqual(new Map([...parts].sort()));
    const plain = splitPatients(patients, { ...plan, stratify: false }).parts;
    const others = patients.filter(({ id }) => plain.get(id) !== parts.get(id));
    expect([moved, back.moved]).toEqual([others.length, others.length]);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(200);
  });
});

describe('the balance of a split', () => {
  it('counts images, and patients of whom a label is known', () => {
    const chest = (labels: number | null) => splitBitsOf({ labels, covid: null, class: null });
    const balance = new SplitBalance(
      new Map([
        ['train', 0.5],
        ['test', null],
      ]),
    );
    balance.addPatient('train', chest(bitOf('Edema')));
    balance.addPatient('train', chest(0));
    balance.addPatient('train', chest(null));
    balance.addImage('train', chest(bitOf('Edema')));
    balance.addImage('train', chest(bitOf('Edema')));
    const viral = splitBitsOf({ labels: null, covid: true, class: 'COVID-19' });
    balance.addPatient('test', viral);
    const [train, test] = balance.finish();
    expect(train).toMatchObject({ part: 'train', share: 0.5, images: 2, patients: 3 });
    expect(train?.labels.map(({ label }) => label)).toEqual(['Edema', 'COVID-19']);
    expect(train?.labels[0]).toMatchObject({ images: 2, patients: 1, known: 2, share: 0.5 });
    expect(test?.labels[0]).toMatchObject({ known: 0, share: null, low: null, high: null });
    expect(test?.labels[1]).toMatchObject({ patients: 1, known: 1, share: 1 });
  });

  // R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('has the interval of Wilson for %d of %d', (hits, of, low, high) => {
    const found = wilson(hits, of);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });
});
