import * as z from 'zod';
import { type OptionSpec, text } from './options-spec.ts';

/** More than any scheduler has tasks in an array. */
const MOST_SHARDS = 100_000;

/** `3/8`, `auto`, `auto/8`. */
const SHARD = /^(?:([0-9]{1,6})\/([0-9]{1,6})|auto(?:\/([0-9]{1,6}))?)$/i;

/** Which shard is meant: the one named, or that of the array task that this run is. */
export type ShardChoice =
  | { readonly index: number; readonly count: number }
  /** `count` undefined: the scheduler says how many there are. */
  | { readonly index: 'auto'; readonly count: number | undefined };

const shard = z
  .string()
  .trim()
  .regex(SHARD)
  .transform((typed): ShardChoice => {
    const [, index, count, autoCount] = SHARD.exec(typed) ?? [];
    if (index !== undefined) return { index: Number(index), count: Number(count) };
    return { index: 'auto', count: autoCount === undefined ? undefined : Number(autoCount) };
  })
  .refine(({ index, count = 1 }) => {
    if (count < 1 || count > MOST_SHARDS) return false;
    return index === 'auto' || (index >= 1 && index <= count);
  })
  .optional();

/** The part of the table of options (src/cli/options.ts) about runs on many machines. */
export const CLUSTER_OPTIONS = {
  shard: {
    long: '--shard',
    value: 'I/N',
    group: 'What',
    schema: shard,
    help: 'part I of N of the selection, of about the same bytes each, beside runs on the others (no join); "auto" or auto/N: that of this array task of Slurm, Kubernetes, PBS or SGE',
    expects:
      'I/N with I from 1 to N, such as 3/8, or auto, or auto/N where the scheduler does not say how many there are',
    commands: ['fetch', 'verify', 'extract'],
    own: {
      verify: { help: 'part I of N of the selection, as of `fetch --shard`' },
      extract: { help: 'part I of N of the selection, as of `fetch --shard`' },
    },
  },
  from: {
    long: '--from',
    value: 'DIR',
    list: 'newline',
    group: 'Where',
    schema: z.array(text).default([]),
    help: 'with --output: a dataset directory, instead of --dest; repeatable: one index of them all',
    expects: 'a directory',
    isPath: true,
    commands: ['join'],
  },
} satisfies Record<string, OptionSpec>;
