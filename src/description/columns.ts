import { LABELS, NO_FINDING } from '../labels/label-names.ts';

/** A column of a table, for people and for programs. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer';
  /** Every value that it can have, where these are few. Empty cells are none of them. */
  readonly values?: readonly string[];
  /** What it says. */
  readonly meaning: string;
  /** Where it is from. */
  readonly from: string;
  /** Never empty. */
  readonly required?: true;
}

/** What each label means in radiology, in short. No definitions come with the data. */
const FINDINGS: Readonly<Record<(typeof LABELS)[number], string>> = {
  Atelectasis: 'collapse or incomplete expansion of lung tissue',
  Cardiomegaly: 'an enlarged heart',
  Consolidation: 'air spaces of the lung filled with fluid, pus or cells',
  Edema: 'fluid in the lung tissue',
  Effusion: 'fluid in the pleural space',
  Emphysema: 'destroyed air spaces, with the lung overinflated',
  Fibrosis: 'scarred lung tissue',
  Hernia: 'an organ displaced through the diaphragm',
  Infiltration: 'a diffuse opacity of the lung',
  Mass: 'a round opacity larger than 3 cm',
  Nodule: 'a round opacity of 3 cm or less',
  Pleural_Thickening: 'a thickened pleura',
  Pneumonia: 'an infection of the lung',
  Pneumothorax: 'air in the pleural space',
};

const FLAG = { type: 'integer', values: ['0', '1'] } as const;
const CHEST = 'chest_dx.csv, by archive and image; empty: no row there, or the file is not here';

/** The columns of index.csv, in its order. */
export const INDEX_COLUMNS: readonly Column[] = [
  {
    ...{ name: 'path', type: 'string', required: true },
    meaning: 'path of the image, relative to the directory of the table, with `/`',
    from: 'where it lies',
  },
  {
    ...{ name: 'image', type: 'string', required: true },
    meaning: 'file name of the image',
    from: 'the archive',
  },
  {
    ...{ name: 'archive', type: 'string', required: true },
    meaning: 'archive that the image was published in, without `.zip`',
    from: 'its folder in images/',
  },
  {
    ...{ name: 'subset', type: 'string', required: true },
    meaning: 'subset that the archive belongs to, as `chestdx`, `chestdx-pe` or `cc-cxri-p`',
    from: 'the manifest',
  },
  {
    ...{ name: 'class', type: 'string', values: ['Normal', 'Viral', 'COVID-19', 'Other'] },
    meaning: 'class of an image of CC-CXRI-P; empty for all others, and where it is not known',
    from: 'the archive; for viral pneumonia also viral_pneumonia_COVID-19.csv',
  },
  {
    ...{ name: 'patient_id', type: 'string' },
    meaning: 'the patient; a split must keep all images of a patient in one part',
    from: 'the file name, up to its last `_`',
  },
  ...LABELS.map((name): Column => ({
    ...{ name, ...FLAG },
    meaning: `${FINDINGS[name]} (1: labelled, 0: not, empty: unknown)`,
    from: CHEST,
  })),
  {
    ...{ name: NO_FINDING, ...FLAG },
    meaning: 'none of the 14 labels (1: labelled so, 0: not, empty: unknown)',
    from: CHEST,
  },
  {
    ...{ name: 'COVID-19', ...FLAG },
    meaning: 'COVID-19 among the viral pneumonias (1: COVID-19, 0: another virus, empty: unknown)',
    from: 'viral_pneumonia_COVID-19.csv, by image',
  },
  {
    ...{ name: 'check', type: 'string', required: true },
    values: ['verified', 'content-checked', 'crc-checked', 'named', 'resized'],
    meaning:
      'how the image was checked: by the MD5 of its archive; by the content of its archive, whose MD5 is disputed; by its own CRC-32 alone; not at all; it was written smaller, out of a checked one',
    from: 'the ledger',
  },
];

/** Of an index that a split was added to. */
const SPLIT_COLUMN: Column = {
  ...{ name: 'split', type: 'string' },
  meaning: 'part of the split, as train, val or test; empty: the image is in none',
  from: '`ccxri split`, on request',
};

/** The columns that `ccxri` writes, by name. */
const KNOWN: ReadonlyMap<string, Column> = new Map(
  [...INDEX_COLUMNS, SPLIT_COLUMN].map((column) => [column.name, column]),
);

/** Every column that an index.csv can have. */
export const ALL_COLUMNS: readonly Column[] = [...KNOWN.values()];

export const isKnownColumn = (name: string) => KNOWN.has(name);

/** A table's columns by its names; one that is of no index gets its name alone. */
export function columnsOf(names: readonly string[]): readonly Column[] {
  return names.map(
    (name) => KNOWN.get(name) ?? { name, type: 'string', meaning: name, from: 'elsewhere' },
  );
}

/** The columns of an index.csv: those behind `check` are splits. */
export function indexColumnsOf(names: readonly string[]): readonly Column[] {
  const splits = names.slice(INDEX_COLUMNS.length).map((name): Column => ({
    ...{ name, type: 'string' },
    meaning: `part of the split ${name} that the patient is in; empty: in none`,
    from: `splits/${name}.csv, as \`ccxri split --add-to-index\` was told`,
  }));
  return [...columnsOf(names.slice(0, INDEX_COLUMNS.length)), ...splits];
}
