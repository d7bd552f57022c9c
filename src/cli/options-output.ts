import * as z from 'zod';
import { type OptionSpec, flag } from './options-spec.ts';

/** The part of the table of options (src/cli/options.ts) that every command takes. */
export const OUTPUT_OPTIONS = {
  // What a job gives to every command has to be taken by those too that never ask or wait.
  yes: flag('--yes', 'answer yes where the disk looks too small, and only there', {
    short: '-y',
    group: 'Output, as for every command',
  }),
  noInput: flag('--no-input', 'never ask', { group: 'Output, as for every command' }),
  noProgress: flag('--no-progress', 'no bars, no heartbeat, no event "progress"', {
    group: 'Output, as for every command',
  }),
  json: flag('--json', 'the result as one JSON document on stdout', {
    group: 'Output, as for every command',
  }),
  ndjson: flag('--ndjson', 'events as JSON on stdout, one per line; the last is "summary"', {
    group: 'Output, as for every command',
  }),
  quiet: flag('--quiet', 'errors only', { short: '-q', group: 'Output, as for every command' }),
  verbose: flag('--verbose', 'more of everything', {
    short: '-v',
    group: 'Output, as for every command',
  }),
  color: {
    long: '--color',
    value: 'WHEN',
    group: 'Output, as for every command',
    schema: z.enum(['auto', 'never', 'always']).default('auto'),
    help: 'auto, never or always',
    default: 'auto',
    expects: 'auto, never or always',
  },
} satisfies Record<string, OptionSpec>;
