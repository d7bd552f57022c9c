import { type OptionSpec, flag } from './options-spec.ts';
import { JUDGING } from './options-sets.ts';

/** The part of the table of options (src/cli/options.ts) about what is done and checked once files are here. */
export const CHECK_OPTIONS = {
  noExtract: flag('--no-extract', 'download and check only (no join either)', {
    group: 'After the download',
    commands: ['fetch', 'plan'],
    own: { plan: { help: 'plan for archives alone, without their images', group: 'What' } },
  }),
  noJoin: flag('--no-join', 'do not write index.csv', {
    group: 'After the download',
    commands: ['fetch'],
  }),
  deleteArchives: flag(
    '--delete-archives',
    'remove each archive once all its images are extracted and checked',
    {
      group: 'After the download',
      commands: ['fetch', 'plan'],
      own: { plan: { help: 'plan for images alone, without their archives', group: 'What' } },
    },
  ),
  lowDisk: flag(
    '--low-disk',
    'archive by archive: no more than two are here at once, beside the images (implies --delete-archives)',
    { group: 'After the download', commands: ['fetch'] },
  ),
  keepGood: flag(
    '--keep-good',
    'of an archive with damaged members publish the good ones (still code 3)',
    {
      group: 'After the download',
      commands: ['fetch', 'extract'],
      own: { extract: { group: 'How' } },
    },
  ),
  noRepair: flag(
    '--no-repair',
    'download a damaged archive anew, instead of keeping what is good of it',
    { group: 'After the download', commands: ['fetch'] },
  ),
  quick: flag('--quick', 'size and time against the ledger; no byte is read', {
    group: 'How',
    commands: ['verify'],
  }),
  deep: flag('--deep', 'also the CRC-32 of every image, in the archive and extracted', {
    group: 'How',
    commands: ['verify'],
  }),
  strict: flag('--strict', 'treat remarks of the join and disputed MD5s as errors (code 8)', {
    group: 'After the download',
    commands: JUDGING,
    own: {
      query: {
        help: 'treat names of a list that are nowhere, and a label file of other archives, as errors (code 8)',
        group: 'How',
      },
      verify: {
        help: 'treat disputed MD5s, and images that are broken or that no archive has, as errors (code 8)',
        group: 'How',
      },
      members: {
        help: 'treat directories and labels that do not agree as an error (code 8)',
        group: 'How',
      },
      extract: { help: 'treat broken images as errors (code 8)', group: 'How' },
      join: { help: 'treat remarks as errors (code 8)', group: 'How' },
      audit: { help: 'treat remarks as errors (code 8)', group: 'How' },
      split: { help: 'treat leaks, and remarks of the join, as errors (code 8)', group: 'How' },
      status: { help: 'treat disputed MD5s as errors (code 8)', group: 'How' },
      demo: { group: 'How' },
    },
  }),
} satisfies Record<string, OptionSpec>;
