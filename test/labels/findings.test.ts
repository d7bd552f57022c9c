import { expect, it } from 'vitest';
import {
  FINDING_COLUMNS,
  FINDINGS,
  isContradictory,
  NO_FINDING_BIT,
  toFieldName,
} from '../../src/labels/findings.ts';
import { CHEST_HEADER } from '../support/csv.ts';

it('has the 14 findings in alphabetical order, No_Finding last', () => {
  expect(FINDINGS).toHaveLength(14);
  expect([...FINDINGS].sort()).toEqual(FINDINGS);
  expect(FINDING_COLUMNS).toEqual([...FINDINGS, 'No_Finding']);
});

it('knows every published column by its name in the field', () => {
  const published = CHEST_HEADER.split(',').slice(2);
  expect(published.map(toFieldName).sort()).toEqual([...FINDING_COLUMNS].sort());
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
