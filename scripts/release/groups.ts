/** The groups of the dataset's page, in its order, with what the manifest says of each. */
export interface ArchiveGroup {
  /** `ChestDx` of `ChestDx-1`. */
  readonly stem: string;
  readonly category: string;
  readonly subsets: readonly string[];
  /** The label file that stands after this group on the page. */
  readonly labelFile?: LabelFile | undefined;
  /** Several images a patient, and long numbers; else one image a patient. */
  readonly isChest: boolean;
}

export interface LabelFile {
  readonly name: string;
  readonly subsets: readonly string[];
}

export const CHEST_LABELS: LabelFile = {
  name: 'chest_dx.csv',
  subsets: ['chestdx', 'chestdx-pe'],
};

export const COVID_LABELS: LabelFile = {
  name: 'viral_pneumonia_COVID-19.csv',
  subsets: ['cc-cxri-p', 'viral'],
};

export const GROUPS: readonly ArchiveGroup[] = [
  { stem: 'ChestDx', category: 'ChestDx', subsets: ['chestdx'], isChest: true },
  {
    stem: 'ChestDx_PE',
    category: 'ChestDx_PE',
    subsets: ['chestdx-pe'],
    labelFile: CHEST_LABELS,
    isChest: true,
  },
  {
    stem: 'Normal',
    category: 'Normal controls',
    subsets: ['cc-cxri-p', 'normal'],
    isChest: false,
  },
  {
    stem: 'Viral',
    category: 'Viral pneumonia',
    subsets: ['cc-cxri-p', 'viral'],
    labelFile: COVID_LABELS,
    isChest: false,
  },
  { stem: 'Other', category: 'Other pneumonia', subsets: ['cc-cxri-p', 'other'], isChest: false },
];

/** @throws RangeError for a name that the dataset does not use */
export function groupOf(archive: string): ArchiveGroup {
  const stem = /^(.+)-[1-9][0-9]*$/.exec(archive)?.[1];
  const group = GROUPS.find((candidate) => candidate.stem === stem);
  if (group === undefined) throw new RangeError(`no archive of the dataset is named ${archive}`);
  return group;
}
