import { DEFAULT_HOST, DEFAULT_MAX_CONNECTIONS, DEFAULT_PORT } from '../serve/types.ts';
import { type OptionSpec, text, whole } from './options-spec.ts';

/** The part of the table of options (src/cli/options.ts) that says where `serve` listens, and to how many. */
export const SERVE_OPTIONS = {
  host: {
    long: '--host',
    value: 'HOST',
    group: 'Network',
    schema: text.optional(),
    help: 'the address to listen on; 0.0.0.0: every one of this machine, for its network to read',
    default: `${DEFAULT_HOST}, for this machine alone`,
    expects: 'an address of this machine',
    commands: ['serve'],
  },
  port: {
    long: '--port',
    ...whole(0, 65_535),
    group: 'Network',
    help: 'the port to listen on; 0: any free one',
    default: DEFAULT_PORT,
    commands: ['serve'],
  },
  maxConnections: {
    long: '--max-connections',
    ...whole(1, 10_000),
    group: 'Network',
    help: 'requests answered at once; those above are asked to come again (503)',
    default: DEFAULT_MAX_CONNECTIONS,
    commands: ['serve'],
  },
} satisfies Record<string, OptionSpec>;
