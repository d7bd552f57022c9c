import * as z from 'zod';
import type { OptionSpec } from './options-spec.ts';

/** The part of the table of options (src/cli/options.ts) of `ccxri adopt`. */
export const ADOPT_OPTIONS = {
  link: {
    long: '--link',
    value: 'HOW',
    group: 'How',
    schema: z.enum(['auto', 'copy', 'move']).default('auto'),
    help: 'auto: hard links, where there can be none copies; copy; or move, and nothing else moves',
    default: 'auto',
    expects: 'auto, copy or move',
    commands: ['adopt'],
  },
} satisfies Record<string, OptionSpec>;
