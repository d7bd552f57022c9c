import { type OptionSpec, file, flag } from './options-spec.ts';

/** The part of the table of options (src/cli/options.ts) that says how else a run is reported. */
export const RECORD_OPTIONS = {
  logFile: {
    long: '--log-file',
    ...file,
    group: 'Output, as for every command',
    help: 'add all that -v would say to this file, with times',
  },
  notify: flag('--notify', 'at the end, ring the bell and show a notification on the desktop', {
    group: 'Output, as for every command',
  }),
  newer: flag('--newer', 'also ask npm whether there is a newer ccxri', {
    group: 'How',
    commands: ['doctor'],
  }),
} satisfies Record<string, OptionSpec>;
