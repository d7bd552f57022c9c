import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finalPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { bigSample } from '../support/big-sample.ts';
import { parseCsv } from '../support/csv.ts';
import { destIn, manifestOf, md5Of, run, sampleArchive } from '../support/fetching.ts';
import { type NginxOptions, hasNginx, useNginx } from '../support/nginx.ts';
import { unhurried } from '../support/ranged-fetch.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const REAL_LABELS = join(import.meta.dirname, '../../../shared/data/viral_pneumonia_COVID-19.csv');
const hasReal = existsSync(REAL_LABELS);
if (!hasReal) console.warn('SKIPPED: the real label file is not here (../shared/data)');

describe.skipIf(!hasNginx)('on nginx', () => {
  it.each([
    { from: 'a base URL', path: '/' },
    { from: 'a base URL without a listing', path: '/', autoindex: false },
    { from: 'a page with links', path: '/index.html' },
  ])('a whole release comes from $from, once, and is extracted and joined', async (row) => {
    const root = await tempDir();
    const release = await makeStandIn(join(root, 'mirror'));
    const server = await nginx({ root: release.directory, autoindex: row.autoindex ?? true });
    const dest = destIn(root);
    const { manifest } = release;
    const setup = { dest, manifest, sources: [`${server.url}${row.path}`], extract: true };
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(manifest.files.map(() => 'downloaded'));
    expect(ran.exit).toBe(0);
    const index = parseCsv(await readFile(layoutOf(dest).index, 'utf8'));
    expect(index).toHaveLength(31);
    expect(ran.result?.index?.rows).toBe(31);
    const archive = (await server.requests()).filter(({ path }) => path.endsWith('ChestDx-1.zip'));
    expect(archive).toEqual([expect.objectContaining({ status: 200, range: '', method: 'GET' })]);
    const asked = (await server.requests()).length;
    const again = await run(setup);
    expect(again.outcomes).toEqual(manifest.files.map(() => 'skipped'));
    expect((await server.requests()).length).toBe(asked);
  });

  it('a download that was stopped goes on with a range, and what is here does not come again', async () => {
    const root = await tempDir();
    const a = sampleArchive('ChestDx-1.zip', { bytes: 1_500_000 });
    await writeTree(join(root, 'mirror'), { [a.name]: a.bytes });
    const slow = await nginx({ root: join(root, 'mirror'), limitRate: '1m' });
    const stop = new AbortController();
    const setup = { dest: destIn(root), manifest: manifestOf(a), timeoutMs: 10_000 };
    const stopped = await run({
      ...setup,
      sources: [`${slow.url}/`],
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === 'progress' && event.doneBytes > 100_000) stop.abort();
      },
    });
    expect(stopped.error).toMatchObject({ code: 'aborted' });
    const again = await run({ ...setup, sources: [`${slow.url}/`] });
    expect(again.exit).toBe(0);
    // The first bytes of a file show that the refused directory is a base URL.
    const served = (await slow.requests()).filter(({ range }) => range !== 'bytes=0-255');
    const last = served.filter(({ status }) => status === 206);
    expect(last).toHaveLength(1);
    const from = Number(/bytes=(\d+)-/.exec(last[0]?.range ?? '')?.[1]);
    expect(from).toBeGreaterThan(100_000);
    expect(again.result?.bytesDownloaded).toBe(a.bytes.length - from);
  });

  it('#46 of a file that was replaced meanwhile, the mixture is detected, and it comes once more', async () => {
    const root = await tempDir();
    const a = sampleArchive('ChestDx-1.zip', { bytes: 1_500_000 });
    const path = join(root, 'mirror', a.name);
    // Another release lies there first, of the same length.
    const older = Buffer.from(a.bytes);
    older.fill(0, 1000, 2000);
    await writeTree(join(root, 'mirror'), { [a.name]: older });
    const server = await nginx({ root: join(root, 'mirror'), limitRate: '1m' });
    const stop = new AbortController();
    const setup = { dest: destIn(root), manifest: manifestOf(a), sources: [`${server.url}/`] };
    await run({
      ...setup,
      timeoutMs: 10_000,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === 'progress' && event.doneBytes > 100_000) stop.abort();
      },
    });
    await writeTree(join(root, 'mirror'), { [a.name]: a.bytes });
    await utimes(path, 1_600_000_000, 1_600_000_000);
    const again = await run({ ...setup, timeoutMs: 10_000 });
    expect(again.exit).toBe(0);
    expect((await server.requests()).map(({ status }) => status).slice(-2)).toEqual([206, 200]);
    expect(again.result?.bytesDownloaded).toBeGreaterThan(a.bytes.length);
    expect(again.result?.bytesDownloaded).toBeLessThan(2 * a.bytes.length);
  });

  it.skipIf(!hasReal)('the real label file passes its published MD5', async () => {
    const root = await tempDir();
    const name = 'viral_pneumonia_COVID-19.csv';
    await mkdir(join(root, 'mirror'));
    await copyFile(REAL_LABELS, join(root, 'mirror', name));
    const server = await nginx({ root: join(root, 'mirror') });
    const manifest = await loadManifest();
    for (const source of [`${server.url}/`, join(root, 'mirror')]) {
      const dest = join(root, md5Of(source), 'cc-cxri');
      const ran = await run({ dest, manifest, sources: [source], selection: { files: [name] } });
      expect(ran.outcomes).toEqual(['downloaded']);
      expect(ran.result?.outcomes[0]).toMatchObject({
        check: 'verified',
        md5: '244dac585baf283e4d95e34b4b1c6a76',
        bytes: 59_649,
      });
      const path = finalPathOf(layoutOf(dest), { name, kind: 'labels' });
      expect((await stat(path)).size).toBe(59_649);
    }
  });

  it('the server is stopped after a test, and leaves nothing behind', async () => {
    const root = await tempDir();
    const server = await nginx({ root });
    await server.stop();
    await expect(fetch(server.url)).rejects.toThrow();
    expect((await stat(root)).isDirectory()).toBe(true);
  });
});

describe.skipIf(!hasNginx)('a large file on nginx', () => {
  const a = bigSample('ChestDx-1.zip', 20 * 1024 * 1024 + 777);

  async function setUp(options: Partial<NginxOptions> = {}) {
    const root = await tempDir();
    await writeTree(join(root, 'mirror'), { [a.name]: a.bytes });
    const server = await nginx({ root: join(root, 'mirror'), ...options });
    const sources = [`${server.url}/{name}`];
    return { server, setup: { dest: destIn(root), manifest: manifestOf(a), sources } };
  }

  it.each([2, 5, 8])('comes over %d connections, each byte once', async (connections) => {
    const { server, setup } = await setUp();
    const ran = await run({ ...setup, connections, ...unhurried });
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(ran.result?.bytesDownloaded).toBe(a.bytes.length);
    const requests = await server.requests();
    expect(new Set(requests.map(({ status }) => status))).toEqual(new Set([206]));
    const spans = requests
      .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range)?.slice(1).map(Number) ?? [])
      .sort(([x = 0], [y = 0]) => x - y);
    const edges = spans.map(([from]) => from);
    expect([...edges.slice(1), a.bytes.length]).toEqual(spans.map(([, last = 0]) => last + 1));
    expect(requests.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(a.bytes.length);
  });

  it('comes whole where its ranges are switched off', async () => {
    const { server, setup } = await setUp({ extra: 'max_ranges 0;' });
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(await server.requests()).toEqual([expect.objectContaining({ status: 200 })]);
  });

  it('#39 is downloaded where only two connections are allowed at once, and the others get 503', async () => {
    const { server, setup } = await setUp({ extra: 'limit_conn one 2;', limitRate: '3m' });
    const ran = await run(setup);
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(ran.result?.bytesDownloaded).toBeLessThan(a.bytes.length + 4 * 1024 * 1024);
    expect((await server.requests()).map(({ status }) => status)).toContain(503);
  });

  it('goes on after a stop with what is missing, and with nothing else', async () => {
    const { server, setup } = await setUp({ limitRate: '2m' });
    const stop = new AbortController();
    const stopped = await run({
      ...setup,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === 'progress' && event.doneBytes > 8_000_000) stop.abort();
      },
    });
    expect(stopped.error).toMatchObject({ code: 'aborted' });
    const again = await run({ ...setup, ...unhurried, connections: 8 });
    const kept = again.result?.plan.steps[0]?.keptBytes ?? 0;
    expect(kept).toBeGreaterThan(7_000_000);
    expect(again.outcomes).toEqual(['downloaded']);
    expect(again.result?.bytesDownloaded).toBe(a.bytes.length - kept);
    expect((await server.requests()).every(({ status }) => status === 206)).toBe(true);
  });
});
