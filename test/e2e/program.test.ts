import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { COMMAND_NAMES } from '../../src/cli/options.ts';
import { readVersion } from '../../src/fs/package-version.ts';
import { documentOf, eventsOf } from '../support/run-cli.ts';
import { PROGRAM, useProgram } from '../support/program.ts';

const { ccxri, bash } = useProgram();

describe('the built program', () => {
  it('prints its version, and loads next to nothing for it', async () => {
    const run = await ccxri(['--version']);
    expect(run).toMatchObject({ code: 0, stdout: `${readVersion()}\n`, stderr: '' });
    expect(await bytesLoadedBy('ccxri')).toBeLessThan(8000);
  });

  it('loads for a command what it needs, and no library whole', async () => {
    // `import { z } from 'zod'` alone would bring 440 KB: its 50 languages.
    // The kernels of hash/ alone would bring 20 KB.
    expect(await bytesLoadedBy('start')).toBeLessThan(365_000);
    expect(await bytesLoadedBy('list')).toBeLessThan(225_000);
  });

  it('is a program by itself: it may be called by its name', async () => {
    expect((await stat(PROGRAM)).mode & 0o111).toBe(0o111);
    const run = await bash(`"${PROGRAM}" --version`);
    expect(run).toMatchObject({ code: 0, stdout: `${readVersion()}\n` });
  });

  it('carries the licences of what is in it', async () => {
    const notices = await readFile(join(dirname(PROGRAM), 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['commander', 'undici', 'yauzl', 'zod', 'parse5', 'csv-parse', 'p-limit']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'));
    }
  });

  it('has help, of which scripts can read the codes', async () => {
    const { code, stdout, stderr } = await ccxri(['help', 'exit-codes']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { code: exit } of EXIT_CODES)
      expect(stdout).toMatch(new RegExp(`^ +${exit}  `, 'm'));
    for (const name of COMMAND_NAMES) {
      expect((await ccxri([name, '--help'])).stdout).toContain(`ccxri ${name}`);
    }
  });

  it('lists the bundled manifest from wherever it is started', async () => {
    const { code, stdout } = await bash('cd / && $ccxri list --json');
    expect(code).toBe(0);
    expect(documentOf(stdout)).toMatchObject({ counts: { files: 84 }, exitCode: 0 });
  });

  it('#167 refuses an unknown option with code 2, in every form', async () => {
    const plain = await ccxri(['fetch', '--subest', 'viral']);
    expect(plain).toMatchObject({ code: 2, stdout: '' });
    expect(plain.stderr).toContain('Did you mean --subset?');
    const json = await ccxri(['fetch', '--subest', 'viral', '--json']);
    expect(documentOf(json.stdout).exitCode).toBe(2);
    const events = eventsOf((await ccxri(['fetch', '--subest', '--ndjson'])).stdout);
    expect(events.at(-1)).toMatchObject({ event: 'summary', exitCode: 2 });
  });

  it('shows the subsets with their sizes where nothing is selected, with code 2', async () => {
    const { code, stdout, stderr } = await ccxri(['fetch']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/- chestdx +51 archives +about 29\.9 GB/);
    expect(stderr).toContain('`ccxri fetch --subset NAME`');
  });

  it.each(['--version', '--help', 'list', 'list --json', 'list --ndjson'])(
    '#161 `%s` into a full disk does not exit 0',
    async (args) => {
      const { code, stderr } = await bash(`$ccxri ${args} > /dev/full`);
      expect(code).toBe(6);
      expect(stderr).toContain('ENOSPC');
      expect(stderr).not.toMatch(/\n +at /);
    },
  );

  it('#162 is quiet where its reader goes away', async () => {
    const { code, stdout, stderr } = await bash(
      'set -o pipefail; $ccxri list --subset all --json | head -1',
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{\n', stderr: '' });
    const closed = await bash('$ccxri list > >(exec true); echo $?');
    expect(closed).toMatchObject({ stdout: '0\n', stderr: '' });
  });

  it('#164 draws nothing where nobody looks', async () => {
    for (const env of [{ CI: '1' }, { TERM: 'dumb' }, { NO_COLOR: '1' }, {}]) {
      const { stdout, stderr } = await ccxri(['list', '-v'], env);
      expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u);
    }
  });
});

/** What is loaded before the first line of a chunk runs. */
async function bytesLoadedBy(name: string): Promise<number> {
  const folder = dirname(PROGRAM);
  const chunk = new RegExp(`^${name}(?:-[0-9A-Z]{8})?\\.js$`);
  const file = (await readdir(folder)).find((entry) => chunk.test(entry));
  const loaded = await staticImportsOf(join(folder, file ?? `no ${name}`));
  const sizes = await Promise.all([...loaded].map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A file and those that it imports, and so on, without those that are imported while it runs. */
async function staticImportsOf(path: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const text = await readFile(path, 'utf8');
  // `import(…)` is a dynamic one: no `from`, and no quote right behind the word.
  for (const [, name = ''] of text.matchAll(/\bimport(?:[^"'();]*from)?\s*["'](\.[^"']+)["']/g)) {
    await staticImportsOf(join(dirname(path), name), seen);
  }
  return seen;
}
