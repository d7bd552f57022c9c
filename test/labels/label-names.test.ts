import { expect, it } from 'vitest';
import {
  LABEL_COLUMNS,
  LABELS,
  isContradictory,
  NO_FINDING_BIT,
  toFieldName,
} from '../../src/labels/label-names.ts';
import { CHEST_HEADER } from '../support/csv.ts';

it('has the 14 labels in alphabetical order, No_Finding last', () => {
  expect(LABELS).toHaveLength(14);
  expect([...LABELS].sort()).toEqual(LABELS);
  expect(LABEL_COLUMNS).toEqual([...LABELS, 'No_Finding']);
});

it('knows every published column by its name in the field', () => {
  const published = CHEST_HEADER.split(',').slice(2);
  expect(published.map(toFieldName).sort()).toEqual([...LABEL_COLUMNS].sort());
  expect(toFieldName('Pleural_thickening')).toBe('Pleural_Thickening');
  expect(toFieldName('No_finding')).toBe('No_Finding');
  expect(toFieldName('constructor')).toBe('constructor');
});

it.each([
  { bits: 0, contradictory: false },
  { bits: 1, contradictory: false },
  { bits: NO_FINDING_BIT, contradictory: false },
  { bits: NO_FINDING_BIT | 1, contradictory: true },
  { bits: NO_FINDING_BIT | (1 << 13), contradictory: true },
])('$bits contradicts itself: $contradictory', ({ bits, contradictory }) => {
  expect(isContradictory(bits)).toBe(contradictory);
});
