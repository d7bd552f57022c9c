import { CcxriError } from '../errors.ts';
import type { PartShare } from '../labels/split.ts';
import { assertSplitName } from '../labels/split-file.ts';
import type { SplitOptions } from './types.ts';

/** The part of patients who are kept for an external test. */
export const HOLDOUT = 'holdout';

/** Where nothing is said. */
const DEFAULT_RATIOS: readonly PartShare[] = [
  { part: 'train', share: 0.8 },
  { part: 'val', share: 0.1 },
  { part: 'test', share: 0.1 },
];

/** What ratios may lack to 1: 0.33 three times does not add up, 1/3 in any number of digits from 7 on does. */
const TOLERANCE = 1e-6;

/**
 * The parts of a split with their shares.
 * @param ratios add up to 1, or to 100
 * @throws CcxriError `usage`: they do not, or a name is wrong
 */
export function sharesOf({
  ratios: given,
  folds,
}: Pick<SplitOptions, 'ratios' | 'folds'>): readonly PartShare[] {
  if (folds !== undefined) {
    if (given !== undefined) throw wrongRatios('ratios and folds contradict each other', given);
    return Array.from({ length: folds }, (_, at) => ({ part: `fold${at}`, share: 1 / folds }));
  }
  const ratios = given ?? DEFAULT_RATIOS;
  const names = ratios.map(({ part }) => part);
  for (const name of names) assertSplitName('part', name);
  const doubled = names.find((name, at) => names.indexOf(name) !== at);
  if (doubled !== undefined) throw wrongRatios(`the part ${doubled} is named twice`, ratios);
  if (names.includes(HOLDOUT)) {
    throw wrongRatios(`${HOLDOUT} is the part of the subsets that are held out`, ratios);
  }
  const sum = ratios.reduce((total, { share }) => total + share, 0);
  const whole = [1, 100].find((each) => Math.abs(sum - each) <= TOLERANCE * each);
  if (whole === undefined || ratios.some(({ share }) => !(share > 0))) {
    throw wrongRatios(`the ratios add up to ${Number(sum.toFixed(6))}`, ratios);
  }
  return ratios.map(({ part, share }) => ({ part, share: share / whole }));
}

function wrongRatios(message: string, ratios: readonly PartShare[]): CcxriError {
  return new CcxriError('usage', message, {
    expected: 'each part once, each with more than 0, together 1 or 100',
    found: ratios.map(({ part, share }) => `${part}=${share}`).join(','),
    next: [
      {
        kind: 'advice',
        text: 'give ratios such as train=0.8,val=0.1,test=0.1, or the number of folds',
      },
    ],
  });
}
