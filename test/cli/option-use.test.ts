import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rootPath } from '../../scripts/generated-docs.ts';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { ManifestChoice } from '../../src/cli/manifest-choice.ts';
import type { CommandContext } from '../../src/cli/command.ts';
import { resolveSettings } from '../../src/cli/options-resolve.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  takesOption,
} from '../../src/cli/options.ts';
import { View } from '../../src/cli/view.ts';
import { systemClock } from '../../src/clock.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const RELEASE = rootPath('manifests/demo');

const ARGUMENTS: Partial<Record<CommandName, string>> = { manifest: RELEASE, export: 'csv' };

/** What `run.ts` reads for every command. */
const EVERYWHERE = OPTION_KEYS.filter((key) => OPTIONS[key].commands === undefined);

/** Runs a command on a small release, and notes which settings its code reads. */
async function readBy(command: CommandName, root: string): Promise<ReadonlySet<string>> {
  const read = new Set<string>(EVERYWHERE);
  const given = {
    ...(takesOption(command, 'manifest') && { manifest: join(RELEASE, 'manifest.json') }),
    ...(takesOption(command, 'source') && { source: [RELEASE] }),
    ...(command === 'fetch' && { subset: ['all'], noExtract: true }),
    ...((command === 'plan' || command === 'lock') && { subset: ['all'] }),
    ...(command === 'lock' && { output: join(root, 'ccxri.lock.json') }),
    ...(command === 'export' && { to: join(root, 'out') }),
    ...(command === 'query' && { label: ['COVID-19'] }),
  };
  const settings = new Proxy(resolveSettings(command, given, {}), {
    get(target, key, receiver): unknown {
      read.add(String(key));
      return Reflect.get(target, key, receiver);
    },
  });
  const stop = new AbortController();
  const context: CommandContext = {
    settings,
    argument: ARGUMENTS[command],
    args: [ARGUMENTS[command] ?? root],
    get dest() {
      read.add('dest');
      return join(root, command === 'demo' ? 'demo' : 'set');
    },
    manifests: new ManifestChoice(),
    confirm: undefined,
    env: {},
    placeOfFetch: () => Promise.resolve({ dest: join(root, 'set'), isFound: false }),
    program: undefined,
    signal: stop.signal,
    clock: systemClock,
    nodeVersion: process.versions.node,
    // It ends when it is told to.
    onEvent: ({ event }) => event === 'serving' && stop.abort(),
  };
  const outcome = await (await COMMANDS[command].load())(context);
  outcome.render(new View({ width: 80, color: false, verbose: false }));
  return read;
}

describe('every option of every command', () => {
  it('is read by the code of the commands that take it, and by no other', async () => {
    const root = await tempDir();
    const first = ['fetch', 'extract'] as const;
    const order = [
      ...first,
      ...COMMAND_NAMES.filter((name) => !first.some((each) => each === name)),
    ];
    for (const command of order) {
      const read = await readBy(command, root);
      const taken = OPTION_KEYS.filter((key) => takesOption(command, key));
      expect([...read].sort(), command).toEqual([...taken].sort());
    }
  }, 60_000);
});
