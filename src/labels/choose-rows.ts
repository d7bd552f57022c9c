import { CcxriError } from '../errors.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { type ChosenImages, chooseImages } from './choose-images.ts';
import type { Candidate, ImageChoice } from './image-choice.ts';
import { type ArchiveFacts, type IndexRow, type LabelsHere, groupOf, toImageKey } from './join.ts';
import { labelFilesFor, labelsMissing } from './make-choice.ts';

/** The rows of images that are here, by their archive. */
type RowsHere = readonly { readonly archive: ArchiveFacts; readonly rows: readonly IndexRow[] }[];

/** Images that a choice means, of those that are here. */
export interface ChosenRows {
  readonly has: (row: IndexRow) => boolean;
  /** Names of its lists that no image here has. */
  readonly notFound: readonly string[];
}

/**
 * Makes a choice of images among those that are here, as `makeChoice` does among all of the release.
 * @param files that are selected
 * @throws CcxriError `missing`: a label file that says which images are meant; `nothing-chosen`
 */
export function chooseRows(
  here: RowsHere,
  choice: ImageChoice,
  source: {
    readonly labels: LabelsHere;
    readonly files: readonly ManifestFile[];
    readonly manifest: Manifest;
  },
): ChosenRows {
  const needed = labelFilesFor(choice, source.files, source.manifest).map(({ name }) => name);
  const absent = source.labels.files.find(({ file, present }) => !present && needed.includes(file));
  if (absent !== undefined) throw labelsMissing(absent.file);
  const made = chooseImages(candidatesOf(here), choice);
  const { images, controls, unknownImages, unknownPatients } = made;
  if (images.length === 0) throw noneChosen(made);
  const chosen = new Set([...images, ...controls].map((each) => `${each.archive}/${each.image}`));
  return {
    has: ({ archive, image }) => chosen.has(`${archive}/${toImageKey(image)}`),
    notFound: [...unknownPatients, ...unknownImages],
  };
}

function* candidatesOf(here: RowsHere): Generator<Candidate, void, void> {
  for (const { archive, rows } of here) {
    const group = groupOf(archive.subsets);
    for (const { archive: stem, image: name, subset, patientId, labels: bits, covid } of rows) {
      yield { archive: stem, image: toImageKey(name), subset, group, patientId, bits, covid };
    }
  }
}

function noneChosen({ labels }: ChosenImages): CcxriError {
  return new CcxriError('nothing-chosen', 'no image that is here is as the options say', {
    reasons: labels.map(({ label, fitting }) => `${label}: ${fitting}`),
    next: [
      {
        kind: 'advice',
        text: 'leave one of the conditions out, or select more of the dataset',
        or: { kind: 'run', command: 'stats', purpose: 'to see which labels are here' },
      },
    ],
  });
}
