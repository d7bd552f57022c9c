import { type OptionSpec, flag } from './options-spec.ts';

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
} satisfies Record<string, OptionSpec>;
