import { describe, expect, it } from 'vitest';
import { labelMeant } from '../../src/labels/label-words.ts';

describe('a label typed where a subset is taken', () => {
  it.each([
    ['covid', 'COVID-19'],
    ['COVID-19', 'COVID-19'],
    ['covid19', 'COVID-19'],
    ['sars-cov-2', 'COVID-19'],
    ['hernia', 'Hernia'],
    ['Pleural thickening', 'Pleural_Thickening'],
    ['no_finding', 'No_Finding'],
    ['viral', undefined],
    ['image', undefined],
    ['', undefined],
  ])('%j: %s', (typed, label) => {
    expect(labelMeant(typed)?.label).toBe(label);
  });

  it('is in the subsets whose label file has it', () => {
    expect(labelMeant('covid')?.subsets).toEqual(['viral']);
    expect(labelMeant('mass')?.subsets).toEqual(['chestdx', 'chestdx-pe']);
  });
});
