import { CcxriError } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { LABEL_COLUMNS, type LabelColumn, foldColumn, toFieldName } from './label-names.ts';

/** What images can be chosen by, as index.csv names it. */
export const CHOICE_LABELS = [...LABEL_COLUMNS, 'COVID-19'] as const;

export type ChoiceLabel = LabelColumn | 'COVID-19';

/** Which images are meant, within the selected archives. */
export interface ImageChoice {
  /** An image has any of them. Empty: labels do not matter. */
  readonly labels: readonly ChoiceLabel[];
  /** An image has all of `labels`. Default false. */
  readonly allLabels?: boolean | undefined;
  /** An image has none of them. Where `labels` is empty, it is known not to have them. */
  readonly withoutLabels: readonly ChoiceLabel[];
  /** Patients, as `patient17664`. Default: every patient. */
  readonly patients?: ReadonlySet<string> | undefined;
  /** Images by `toImageKey`, or by archive and that, as `ChestDx-1/patient1000_000.jpg`. Default: every image. */
  readonly images?: ReadonlySet<string> | undefined;
  /** At most so many images. Default: no limit. */
  readonly limit?: number | undefined;
  /** At most so many images with each of `labels`; with each label there is, where it is empty. Default: no limit. */
  readonly perLabel?: number | undefined;
  /** So many images without a finding besides. Default 0. */
  readonly normals?: number | undefined;
  /** The same seed picks the same images, on every machine; a larger number picks others besides. */
  readonly seed: string;
}

/** An image of the release, whether it is here or not. */
export interface Candidate {
  /** Stem of its archive. */
  readonly archive: string;
  /** Its name, as `toImageKey` gives it. */
  readonly image: string;
  /** As in index.csv. */
  readonly subset: string;
  /** The group of its archive in CC-CXRI-P; null for ChestDx and ChestDx-PE. */
  readonly group: 'Normal' | 'Viral' | 'Other' | null;
  readonly patientId: string;
  /** Bits of LABEL_COLUMNS; null: no label file has a row for it. */
  readonly bits: number | null;
  /** null: not known, or not meant for it. */
  readonly covid: boolean | null;
}

/** Does anything but the archives decide which images are meant? */
export function choosesImages(choice: ImageChoice): boolean {
  const { labels, withoutLabels, patients, images, limit, perLabel, normals } = choice;
  const filters = [patients, images, limit, perLabel, normals];
  return (
    labels.length > 0 || withoutLabels.length > 0 || filters.some((each) => each !== undefined)
  );
}

/**
 * A label as somebody types it: case, blanks, `_` and `-` do not matter.
 * @throws CcxriError `unknown-label`, with the nearest one
 */
export function toChoiceLabel(typed: string): ChoiceLabel {
  const name = toFieldName(typed);
  const label = CHOICE_LABELS.find((each) => each === name);
  if (label !== undefined) return label;
  const key = foldColumn(typed);
  if (/^(?:covid|covid19|sarscov2)$/.test(key)) return 'COVID-19';
  const nearest = nearestOf(key, CHOICE_LABELS, foldColumn);
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new CcxriError('unknown-label', `there is no label "${toPrintable(typed, 80)}".${guess}`, {
    found: toPrintable(typed, 80),
    expected: CHOICE_LABELS.join(', '),
    next: [{ kind: 'option', option: 'label', value: nearest }],
  });
}

/** Whether an image has a label; null: not known. */
export function hasLabel({ bits, covid }: Candidate, label: ChoiceLabel): boolean | null {
  if (label === 'COVID-19') return covid;
  return bits === null ? null : (bits & bitOf(label)) !== 0;
}

function bitOf(label: LabelColumn): number {
  return 1 << LABEL_COLUMNS.indexOf(label);
}
