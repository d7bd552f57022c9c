import * as z from 'zod';
import { IMAGE_FORMATS } from '../export/types.ts';
import { HANDOFF_FORMATS } from '../handoff/types.ts';
import { type OptionSpec, file, flag, sameFor, text, whole } from './options-spec.ts';
import { names, ratios, size } from './options-values.ts';

/** The part of the table of options (src/cli/options.ts) of the commands that make training sets of archives. */
export const SETS_OPTIONS = {
  // audit
  decode: flag(
    '--decode',
    'decode every image, also in archives; the package sharp has to be installed',
    {
      group: 'How',
      commands: ['audit'],
    },
  ),
  // export
  to: {
    long: '--to',
    value: 'DIR',
    group: 'Where to',
    schema: text.optional(),
    help: 'the directory of the export; it appears when all of it is written',
    expects: 'a directory',
    isPath: true,
    commands: ['export'],
  },
  split: {
    long: '--split',
    value: 'NAME',
    group: 'What',
    schema: text.optional(),
    help: 'the parts of the split in splits/NAME.csv apart, which `ccxri split` has written',
    expects: 'the name of a split',
    commands: ['export'],
  },
  resize: {
    long: '--resize',
    ...whole(1, 16_383),
    group: 'How',
    help: 'pixels of the longest side of each image, never enlarged; the package sharp has to be installed',
    commands: ['export', 'fetch'],
    own: {
      fetch: {
        help: 'with --low-disk: write images with so many pixels on the longest side, never enlarged; sharp has to be installed',
        group: 'After the download',
      },
    },
  },
  quality: {
    long: '--quality',
    ...whole(1, 100),
    group: 'How',
    help: 'of images that are converted to jpg or webp',
    default: 90,
    commands: ['export'],
  },
  format: {
    long: '--format',
    value: 'NAME',
    group: 'How',
    schema: z.enum([...IMAGE_FORMATS, ...HANDOFF_FORMATS, 'all']).optional(),
    help: 'convert images to jpg, png or webp; sharp has to be installed',
    expects: `${IMAGE_FORMATS.join(', ')} (export), ${HANDOFF_FORMATS.join(', ')} or all (plan)`,
    commands: ['export', 'plan'],
    own: {
      plan: {
        help: `list what is missing for another machine or tool: ${HANDOFF_FORMATS.join(', ')}, or all of them`,
        group: 'Where to',
      },
    },
  },
  withImages: flag('--with-images', 'images go along with csv, jsonl and parquet too', {
    group: 'How',
    commands: ['export'],
  }),
  shardSize: {
    long: '--shard-size',
    value: 'SIZE',
    group: 'How',
    schema: size.optional(),
    help: 'about how large each file of webdataset, and of parquet with images, becomes',
    default: '1G',
    expects: 'a size from 1M to 1T, such as 500M or 2GB',
    commands: ['export'],
  },
  // split
  ratios: {
    long: '--ratios',
    value: 'LIST',
    group: 'How',
    schema: ratios,
    help: 'the parts and the share of the patients that each gets, together 1 or 100',
    default: 'train=0.8,val=0.1,test=0.1',
    expects: 'parts with their shares, such as train=0.8,val=0.1,test=0.1',
    commands: ['split'],
  },
  folds: {
    long: '--folds',
    ...whole(2, 100),
    group: 'How',
    help: 'so many parts of one size instead: fold0, fold1, …',
    commands: ['split'],
  },
  holdout: {
    long: '--holdout',
    value: 'NAME',
    list: 'comma',
    group: 'How',
    schema: names,
    help: 'a subset for an external test: its patients are the part "holdout"; repeatable, or a,b',
    expects: 'names of subsets, such as chestdx-pe (`ccxri list` shows them)',
    commands: ['split'],
  },
  stratify: flag(
    '--stratify',
    'split the patients of each rare label by themselves; they may move when archives are added',
    { group: 'How', commands: ['split'] },
  ),
  addToIndex: flag('--add-to-index', 'write index.csv too, with the parts in a column NAME', {
    group: 'Where',
    commands: ['split'],
  }),
  check: {
    long: '--check',
    ...file,
    list: 'newline',
    group: 'What',
    schema: z.array(text).default([]),
    help: 'tell whether a split made elsewhere leaks, and write nothing: a table with the columns image and split, or, repeated, a list of images for each part',
    commands: ['split'],
  },
  name: {
    long: '--name',
    value: 'NAME',
    group: 'Where',
    schema: text.default('split'),
    help: 'the name of the split: splits/NAME.csv in the dataset directory',
    default: 'split',
    expects: 'a name of letters, digits, _ and -',
    commands: ['split'],
  },
  force: flag('--force', 'replace a split of this name in which images are in other parts', {
    group: 'Where',
    commands: ['split', 'export', 'report'],
    own: {
      export: { help: 'replace an export that is there', group: 'Where to' },
      report: { help: 'replace the file where it exists' },
    },
  }),
  // report
  thumbnails: {
    long: '--thumbnails',
    ...whole(0, 200),
    group: 'How',
    help: 'images of each finding on the contact sheet; 0: none, and no image is opened',
    default: 12,
    commands: ['report'],
  },
} satisfies Record<string, OptionSpec>;

/** The commands that read the images and labels that are here. */
const READING = ['stats', 'export', 'report'] as const;

/** What they say of the options that select and place (src/cli/options.ts). */
export const READING_WORDS = {
  subset: sameFor(READING, {
    help: 'the images of a subset alone; repeatable, or a,b',
    default: 'all that are here',
  }),
  file: sameFor(READING, {
    help: 'the images of one archive alone, with or without .zip; repeatable, or a,b',
  }),
  dest: sameFor(READING, { group: 'Where' }),
};

/** The commands that can treat what they find as errors. */
export const JUDGING = [
  ...['fetch', 'query', 'verify', 'members', 'extract', 'join', 'audit'],
  ...['split', 'status', 'demo'],
] as const;

/** `--check` makes no split. */
export const MAKES_SPLIT = [
  'ratios',
  'folds',
  'holdout',
  'stratify',
  'seed',
  'name',
  'force',
  'addToIndex',
] as const;
