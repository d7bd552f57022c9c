import { describe, expect, it } from 'vitest';
import { choosesImages, toChoiceLabel } from '../../src/labels/image-choice.ts';
import { CHEST_HEADER } from '../support/csv.ts';

describe('a label as it is typed', () => {
  it.each(CHEST_HEADER.split(',').slice(2))('may be spelt as the label file does: %s', (column) => {
    expect(toChoiceLabel(column).toLowerCase()).toBe(column.toLowerCase());
  });

  it.each([
    ['hernia', 'Hernia'],
    ['PLEURAL THICKENING', 'Pleural_Thickening'],
    ['pleural-thickening', 'Pleural_Thickening'],
    ['no finding', 'No_Finding'],
    ['covid', 'COVID-19'],
    ['Covid_19', 'COVID-19'],
    ['covid19', 'COVID-19'],
  ])('%s is %s', (typed, label) => {
    expect(toChoiceLabel(typed)).toBe(label);
  });

  it.each([
    ['Herna', 'Hernia'],
    ['effusoin', 'Effusion'],
    ['Pneumotorax', 'Pneumothorax'],
    ['No_Findings', 'No_Finding'],
    ['covid-91', 'COVID-19'],
    ['xyzzy', undefined],
  ])('%s is unknown, and the nearest one is %s', (typed, nearest) => {
    const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
    expect(() => toChoiceLabel(typed)).toThrow(
      expect.objectContaining({
        code: 'unknown-label',
        message: `there is no label "${typed}".${guess}`,
      }),
    );
  });
});

describe('choosesImages', () => {
  it.each([
    [{}, false],
    [{ seed: '7', allLabels: true }, false],
    [{ labels: ['Hernia' as const] }, true],
    [{ withoutLabels: ['Mass' as const] }, true],
    [{ limit: 3 }, true],
    [{ patients: new Set('a') }, true],
  ])('of %j: %s', (choice, chooses) => {
    const all = { labels: [], withoutLabels: [], seed: '0', ...choice };
    expect(choosesImages(all)).toBe(chooses);
  });
});
