import { DEFAULT_SEED } from '../labels/seed.ts';
import { type OptionSpec, file, flag, text, whole } from './options-spec.ts';
import { names } from './options-values.ts';

/** The commands that choose images. */
const CHOOSING = ['fetch', 'query', 'export', 'plan', 'lock'] as const;

const MOST = 1_000_000;

/** The part of the table of options (src/cli/options.ts) that says which images are meant. */
export const CHOICE_OPTIONS = {
  label: {
    long: '--label',
    value: 'NAME',
    list: 'comma',
    group: 'What',
    schema: names,
    help: 'images with this label: a finding, No_Finding or COVID-19; repeatable, or a,b: any of them',
    expects: 'names of labels, such as Hernia (columns of index.csv)',
    commands: CHOOSING,
  },
  allLabels: flag('--all-labels', 'images that have every --label, not only one of them', {
    group: 'What',
    commands: CHOOSING,
  }),
  withoutLabel: {
    long: '--without-label',
    value: 'NAME',
    list: 'comma',
    group: 'What',
    schema: names,
    help: 'no image with this label; repeatable, or a,b: none of them',
    expects: 'names of labels, such as Pneumonia (columns of index.csv)',
    commands: CHOOSING,
  },
  patients: {
    long: '--patients',
    ...file,
    group: 'What',
    help: 'images of the patients in this list: one a line, or a table with a column patient_id',
    commands: CHOOSING,
  },
  images: {
    long: '--images',
    ...file,
    group: 'What',
    help: 'the images in this list: one a line, or a table with a column path or image',
    commands: CHOOSING,
  },
  limit: {
    long: '--limit',
    ...whole(1, MOST),
    group: 'What',
    help: 'at most so many images, controls not counted; a larger number adds others to them',
    commands: CHOOSING,
  },
  perLabel: {
    long: '--per-label',
    ...whole(1, MOST),
    group: 'What',
    help: 'at most so many images for each --label, or for each label there is',
    commands: CHOOSING,
  },
  normals: {
    long: '--normals',
    ...whole(1, MOST),
    group: 'What',
    help: 'so many images without a finding besides, as controls, of patients who have no chosen image',
    commands: CHOOSING,
  },
  seed: {
    long: '--seed',
    value: 'TEXT',
    group: 'What',
    schema: text.default(DEFAULT_SEED),
    help: 'decides which images a number picks: the same seed picks the same, on every machine',
    default: DEFAULT_SEED,
    expects: 'any text',
    commands: [...CHOOSING, 'split'],
    own: {
      split: {
        help: 'another seed gives another split; the same gives the same, on every machine',
      },
    },
  },
  allowWhole: flag(
    '--allow-whole',
    'with --label and the like: if no source serves parts of files, download whole archives (-y does not)',
    { group: 'Where from', commands: ['fetch'] },
  ),
} satisfies Record<string, OptionSpec>;

/** Those that choose images by themselves (`choosesImages`); label files say which these are. */
export const CHOICE_KEYS = [
  'label',
  'withoutLabel',
  'patients',
  'images',
  'limit',
  'perLabel',
  'normals',
] as const;
