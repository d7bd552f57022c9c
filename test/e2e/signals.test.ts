import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { PROGRAM, useProgram } from '../support/program.ts';
import { documentOf, eventsOf } from '../support/run-cli.ts';
import { useServedDirectory } from '../support/served.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useServedDirectory();
const { ccxri, startCcxri } = useProgram();

/** A fetch that has got a part of each archive, and gets no more. */
async function stalledFetch(env: Readonly<Record<string, string>> = {}) {
  const directory = await tempDir();
  const release = await makeStandIn(join(directory, 'release'));
  const { url } = await serve(release.directory, { stallAfterBytes: 5000 });
  const dest = join(directory, 'set');
  const argv = ['fetch', '--subset', 'all', '--dest', dest, '--manifest', release.manifestPath];
  const run = startCcxri([...argv, '--source', url, '--ndjson'], env);
  await run.hasSaid(/"event":"progress".*"doneBytes":[1-9]/);
  return { argv, dest, run, release };
}

describe('#63 #64 a fetch that gets a signal to stop', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'by %s ends with %i, says so, and goes on when it is run again',
    async (name, code) => {
      const { argv, dest, run, release } = await stalledFetch();
      run.kill(name);
      const end = await run.ended;
      expect(end).toMatchObject({ code, signal: null });
      const summary = eventsOf(end.stdout).at(-1);
      expect(summary).toMatchObject({
        event: 'summary',
        exitCode: code,
        errors: [{ code: 'aborted' }],
      });
      expect(end.stderr).toContain('run the same command again');
      expect(end.stderr).not.toMatch(/\n +at /);
      // Nothing has its final name that is not whole, and nobody holds the directory any more.
      expect(await readdir(join(dest, 'archives')).catch(() => [])).toEqual([]);
      expect(await readdir(join(dest, '.ccxri'))).not.toContain('lock');
      const again = await ccxri([...argv, '--source', release.directory, '--json']);
      expect(again.code, again.stderr).toBe(0);
      expect(documentOf(again.stdout).counts).toMatchObject({ files: 8, failed: 0, rows: 31 });
    },
  );

  it('by Ctrl-Break of Windows, which no other system can send: here it is told to the process', async () => {
    // The program itself listens; where the signal comes from is what Node does.
    const preload = `process.on('SIGUSR2',()=>process.emit('SIGBREAK'))`;
    const url = `data:text/javascript,${encodeURIComponent(preload)}`;
    const { dest, run } = await stalledFetch({ NODE_OPTIONS: `--import=${url}` });
    run.kill('SIGUSR2');
    expect(await run.ended).toMatchObject({ code: 130, signal: null });
    expect(await readdir(join(dest, '.ccxri'))).not.toContain('lock');
  });

  it('ends at once when it gets a second one', async () => {
    const { run } = await stalledFetch();
    run.kill('SIGINT');
    run.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
  });
});

describe('#64 a program whose output nobody takes', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends with the second %s, where the first can not end it', async (name, code) => {
    const manifestPath = await longManifest();
    const args = [PROGRAM, 'list', '--json', '--manifest', manifestPath];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'readable');
    // As a person does who sees that nothing happens.
    const told = setInterval(() => child.kill(name), 50);
    const [ended, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearInterval(told);
    expect({ ended, signal }).toEqual({ ended: code, signal: null });
  });
});

/** Whose list is longer than a pipe holds. */
async function longManifest(): Promise<string> {
  const files = Array.from({ length: 20_000 }, (_, n) => ({
    name: `ChestDx-${n}.zip`,
    kind: 'archive',
    category: 'ChestDx',
    subsets: ['chestdx'],
    size: '1MB',
    md5: n.toString(16).padStart(32, '0'),
  }));
  const path = join(await tempDir(), 'long.json');
  await writeFile(path, JSON.stringify({ ...(await loadManifest()), files }));
  return path;
}

describe('a second program in the same directory', () => {
  it('#84 #86 is code 10 and names the first', async () => {
    const { argv, run, release } = await stalledFetch();
    const second = await ccxri([...argv, '--source', release.directory]);
    expect(second.code).toBe(10);
    expect(second.stderr).toContain('another ccxri process is using this dataset directory: pid ');
    expect(second.stderr).toContain('--wait');
    run.kill('SIGKILL');
    expect((await run.ended).signal).toBe('SIGKILL');
    // The lock of a run that was killed does not stand in the way.
    const third = await ccxri([...argv, '--source', release.directory]);
    expect(third.code, third.stderr).toBe(0);
  });
});
