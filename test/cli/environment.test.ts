import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentWarnings } from '../../src/cli/options-resolve.ts';
import { eventsOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

describe('#176 an environment that takes the protection away', () => {
  it('is reported in every form, by the commands that make requests', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const source = join(await tempDir(), 'nothing-here');
    const argv = ['links', '--file', 'Viral-1', '--source', source];
    const plain = await runCli(argv, { env });
    expect(plain.stderr).toMatch(
      /^warning: NODE_TLS_REJECT_UNAUTHORIZED=0 .*NODE_EXTRA_CA_CERTS=/m,
    );
    const { stdout } = await runCli([...argv, '--ndjson'], { env });
    expect(eventsOf(stdout)[0]).toMatchObject({ event: 'warning', code: 'environment' });
    expect((await runCli(['list'], { env })).stderr).toBe('');
  });

  it.each([undefined, '', '1', 'false'])('is not, where the variable is %j', (value) => {
    // What Node goes by is `0` alone.
    expect(environmentWarnings('fetch', { NODE_TLS_REJECT_UNAUTHORIZED: value })).toEqual([]);
  });

  it.each([
    '--require ./x.js',
    '-r ./x.js',
    '--max-old-space-size=4096 --import=./x.mjs',
    '--loader x',
    '--experimental-loader=x',
  ])('is reported if it loads code: NODE_OPTIONS=%j', (value) => {
    const warnings = environmentWarnings('verify', { NODE_OPTIONS: value });
    expect(warnings).toEqual([expect.stringContaining('loads other code')]);
  });

  it.each(['--max-old-space-size=4096', '--requires', '--important', '--no-import-x', ''])(
    'is not, where it brings none: NODE_OPTIONS=%j',
    (value) => {
      expect(environmentWarnings('verify', { NODE_OPTIONS: value })).toEqual([]);
    },
  );
});
