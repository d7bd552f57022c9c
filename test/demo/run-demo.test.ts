import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runDemo } from '../../src/demo/run-demo.ts';
import type { RunEvent } from '../../src/events.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { parseCsv } from '../support/csv.ts';
import { decodeWithPil, hasPil } from '../support/pil.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const IMAGES = {
  'ChestDx-1': 18,
  'ChestDx-2': 14,
  'ChestDx_PE-1': 14,
  'Normal-1': 10,
  'Other-1': 10,
  'Viral-1': 12,
  'Viral-2': 8,
};
const TOTAL = Object.values(IMAGES).reduce((sum, n) => sum + n, 0);

async function quick(dest: string, more: Partial<Parameters<typeof runDemo>[0]> = {}) {
  return runDemo({ dest, bytesPerSecond: Infinity, ...more });
}

describe('runDemo', () => {
  it('leaves a dataset in the form of a real one, every file verified', async () => {
    const dest = join(await tempDir(), 'ccxri-demo');
    const events: RunEvent[] = [];
    const result = await quick(dest, { onEvent: (event) => events.push(event) });

    expect(result.fetch.outcomes).toHaveLength(9);
    for (const outcome of result.fetch.outcomes) {
      expect(outcome).toMatchObject({ check: 'verified' });
    }
    const { index } = result.fetch;
    expect(index).toMatchObject({ rows: TOTAL, remarks: [], rowsOfAbsentArchives: 0 });
    expect(index?.classes).toMatchObject({ Normal: 10, Other: 10, none: 46 });
    const rows = parseCsv(await readFile(join(dest, 'index.csv'), 'utf8'));
    const perArchive = new Map<string, number>();
    for (const { archive = '' } of rows)
      perArchive.set(archive, (perArchive.get(archive) ?? 0) + 1);
    expect(Object.fromEntries(perArchive)).toEqual(IMAGES);
    const tree = await listTree(dest);
    for (const { path = '' } of rows) expect(tree).toContain(path);
    expect(rows.filter((row) => row['COVID-19'] === '1').length).toBeGreaterThan(0);
    expect(rows.filter((row) => row['Mass'] === '1').length).toBeGreaterThan(0);

    expect(events[0]).toMatchObject({ event: 'demo-start', files: 9, dest, page: result.page });
    expect(events[1]).toMatchObject({ event: 'plan', files: 9, toDownload: 9 });
    expect(events.filter(({ event }) => event === 'warning')).toEqual([]);
    await expect(fetch(result.page)).rejects.toThrow();
  });

  it('prints the command that does the same, and leaves the manifest for the others', async () => {
    const dest = join(await tempDir(), "a demo's");
    const { page, commandLine, manifestPath } = await quick(dest);
    const manifest = await loadManifest(manifestPath);
    expect(manifest).toMatchObject({ dataset: 'CC-CXRI demo (synthetic)' });
    const quoted = (path: string) => `'${path.replaceAll("'", "'\\''")}'`;
    expect(commandLine).toBe(
      `ccxri fetch --subset all --source ${page} --manifest ${quoted(manifestPath)} --dest ${quoted(dest)}`,
    );
  });

  it('puts right what goes wrong: the events of the fetch say so', async () => {
    const dest = join(await tempDir(), 'demo');
    const events: RunEvent[] = [];
    const { caught } = await quick(dest, { onEvent: (event) => events.push(event) });
    expect(caught).toHaveLength(3);
    const [cut, flip, stop] = (['cut', 'flip', 'stop'] as const).map((fault) =>
      caught.find((each) => each.fault === fault),
    );

    const retries = events.filter((event) => event.event === 'retry');
    const broken = retries.find(({ error }) => error.code === 'network');
    expect(broken?.keptBytes).toBeGreaterThan(0);
    const { file, keptBytes: resumedAtByte } = broken ?? {};
    expect(cut).toMatchObject({ fault: 'cut', file, resumedAtByte });
    expect(cut?.totalBytes).toBeGreaterThan(resumedAtByte ?? Infinity);

    const wrong = retries.find(({ error }) => error.code === 'md5-mismatch');
    expect(wrong?.error.found).toMatch(/^MD5 [0-9a-f]{32}$/);
    expect(wrong?.error.found).not.toBe(wrong?.error.expected);
    const { expected, found } = wrong?.error ?? {};
    expect(flip).toMatchObject({ fault: 'flip', file: wrong?.file, expected, found });

    const [, second] = events.filter((event) => event.event === 'plan');
    const rest = events.slice(events.findIndex((event) => event === second));
    const resumed = rest.find((event) => event.event === 'phase-start' && event.file === file);
    expect(resumed).toMatchObject({ file: stop?.file, doneBytes: stop?.resumedAtByte });
    expect(stop).toMatchObject({ fault: 'stop', filesKept: 9 - (second?.toDownload ?? 0) });
    expect(stop?.filesKept).toBeGreaterThanOrEqual(3);
    expect(stop?.filesKept).toBeLessThan(9);
    const subsetsOf = new Map(second?.work.map((each) => [each.file, each.subsets]));
    for (const fault of [cut, stop]) {
      expect(fault?.subsets).toEqual(subsetsOf.get(fault?.file ?? '') ?? 'none in the plan');
    }
    expect(flip?.subsets).not.toHaveLength(0);
    expect(flip).toHaveProperty('subsets');
    expect(events.filter(({ event }) => event === 'caught')).toEqual(
      caught.map((each) => ({ event: 'caught', ...each })),
    );
  });

  it.skipIf(!hasPil)('leaves pictures that say of themselves that they are made up', async () => {
    const dest = join(await tempDir(), 'demo');
    await quick(dest);
    const rows = parseCsv(await readFile(join(dest, 'index.csv'), 'utf8'));
    const decoded = decodeWithPil(rows.map(({ path = '' }) => join(dest, path)));
    expect(decoded).toHaveLength(TOTAL);
    for (const image of decoded) {
      expect(image).toMatchObject({ width: 128, height: 128, mode: 'L' });
      expect(image.comment).toContain('MADE UP');
    }
  });

  it('finds everything in place when it is run again, and restores what is missing', async () => {
    const dest = join(await tempDir(), 'demo');
    await quick(dest);
    const tree = await listTree(dest);
    const again = await quick(dest);
    expect(new Set(again.fetch.outcomes.map(({ did }) => did))).toEqual(new Set(['skipped']));
    expect(again.fetch).toMatchObject({ bytesDownloaded: 0, index: { rows: TOTAL } });
    expect(again.caught).toEqual([]);

    await rm(join(dest, 'archives', 'Viral-2.zip'));
    await rm(join(dest, 'images', 'Viral-2'), { recursive: true });
    await rm(join(dest, 'images', 'Normal-1'), { recursive: true });
    const third = await quick(dest);
    const dids = third.fetch.outcomes.map(({ file, did }) => [file, did]);
    expect(Object.fromEntries(dids)).toMatchObject({
      'Viral-2.zip': 'downloaded',
      // Extracted before the fetch was interrupted, with Viral-2.zip in work.
      'Normal-1.zip': 'skipped',
      'Viral-1.zip': 'skipped',
    });
    expect(third.caught.map(({ fault, file }) => [fault, file])).toEqual([
      ['cut', 'Viral-2.zip'],
      ['stop', 'Viral-2.zip'],
    ]);
    expect(await listTree(dest)).toEqual(tree);
  });

  it('stops in the middle, keeps what it has, and goes on when run again', async () => {
    const dest = join(await tempDir(), 'demo');
    const controller = new AbortController();
    const running = runDemo({
      dest,
      bytesPerSecond: 400_000,
      signal: controller.signal,
      onEvent: ({ event }) => {
        if (event === 'file-done') controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    const finished = (await listTree(dest)).filter((path) => /^(?:archives|labels)\/./.test(path));
    expect(finished.length).toBeGreaterThan(0);
    expect(finished.length).toBeLessThan(9);
    const { fetch: result } = await quick(dest);
    expect(result.index?.rows).toBe(TOTAL);
    const present = result.outcomes.filter(({ did }) => did !== 'downloaded');
    expect(present.length).toBeGreaterThanOrEqual(finished.length);
  });

  it('does not begin when it is stopped before', async () => {
    const dest = join(await tempDir(), 'demo');
    const signal = AbortSignal.abort();
    await expect(quick(dest, { signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(await listTree(join(dest, '..'))).toEqual([]);
  });

  it('leaves a directory with real data alone', async () => {
    const dest = await tempDir();
    await writeTree(dest, { 'archives/ChestDx-40.zip': 'real' });
    await expect(quick(dest)).rejects.toMatchObject({ code: 'usage' });
    expect(await listTree(dest)).toEqual(['archives', 'archives/ChestDx-40.zip']);
  });

  it.each([
    ['whole', '9 files'],
    ['stopped', 'aborted'],
    ['occupied', 'usage'],
  ])('leaves nothing open that would keep a process alive: %s', async (how, said) => {
    const dest = await tempDir();
    if (how === 'occupied') await writeTree(dest, { 'notes.txt': '' });
    const child = join(import.meta.dirname, '../support/demo-child.ts');
    const args = ['--import', 'tsx', child, dest, how];
    // Killed if it has not ended by itself when it should long have.
    const options = { encoding: 'utf8', timeout: 50_000, killSignal: 'SIGKILL' } as const;
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, options);
    expect({ status, signal, stdout, stderr }).toEqual({
      status: 0,
      signal: null,
      stdout: `${said}\n`,
      stderr: '',
    });
  });
});
