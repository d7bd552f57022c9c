import { type OptionSpec, file, flag } from './options-spec.ts';
import { anySize } from './options-values.ts';

/** The part of the table of options (src/cli/options.ts) of handing on, locking and limiting a fetch. */
export const PLAN_OPTIONS = {
  cacheKey: flag('--cache-key', 'print a key for the cache of a CI system, and nothing else', {
    group: 'What',
    commands: ['plan'],
  }),
  withSecrets: flag(
    '--with-secrets',
    'hand on addresses with a signature, token or key in them, too: who has the list can use them',
    { group: 'Where from', commands: ['plan'] },
  ),
  locked: flag(
    '--locked',
    'fetch what the lockfile says (`ccxri lock` writes it), and refuse if anything differs from it',
    { group: 'What', commands: ['fetch'] },
  ),
  lockfile: {
    long: '--lockfile',
    ...file,
    group: 'What',
    help: 'the lockfile; implies --locked',
    default: 'ccxri.lock.json beside the dataset directory',
    commands: ['fetch'],
  },
  maxBytes: {
    long: '--max-bytes',
    value: 'SIZE',
    group: 'What',
    schema: anySize.optional(),
    help: 'refuse to start a download of more: 500M, 5GB, 4GiB',
    expects: 'a size, such as 500M or 5GB',
    commands: ['fetch'],
  },
} satisfies Record<string, OptionSpec>;
