import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PlanEvent } from '../../src/events.ts';
import { makeSmallRelease } from '../support/chosen-images.ts';
import { type Daemon, isInstalled, startDaemon } from '../support/daemon.ts';
import { NGINX, type NginxRequest, hasNginx, startNginx, useNginx } from '../support/nginx.ts';
import { useProgram } from '../support/program.ts';
import { APACHE, LIGHTTPD, apache, lighttpd } from '../support/real-servers.ts';
import { documentOf, eventsOf } from '../support/run-cli.ts';
import type { StandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const { ccxri, startCcxri } = useProgram();

let folder: string;
let release: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ccxri-label-'));
  release = await makeSmallRelease(folder);
  // Apache and lighttpd run as another user.
  for (const each of [folder, release.directory]) await chmod(each, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

type ServedBy = Pick<Daemon, 'url' | 'stop'>;

const SERVERS = [
  {
    kind: NGINX,
    serve: (root: string) => startNginx({ root }),
    withoutRanges: (root: string) => startNginx({ root, extra: 'max_ranges 0;' }),
  },
  {
    kind: APACHE,
    serve: (root: string) => startDaemon(APACHE, apache({ root })),
    withoutRanges: (root: string) =>
      startDaemon(
        APACHE,
        apache({ root, extra: `<Directory "${root}">\nMaxRanges none\n</Directory>` }),
      ),
  },
  {
    kind: LIGHTTPD,
    serve: (root: string) => startDaemon(LIGHTTPD, lighttpd({ root })),
    withoutRanges: (root: string) =>
      startDaemon(LIGHTTPD, lighttpd({ root, extra: 'server.range-requests = "disable"' })),
  },
].filter(({ kind }) => isInstalled(kind));

async function start(serve: (root: string) => Promise<ServedBy>): Promise<ServedBy> {
  const server = await serve(release.directory);
  started.push(server);
  return server;
}

const newDest = async () => join(await tempDir(), 'set');

/** The words of `ccxri fetch` of images with a label, from a server. */
function fetchOf(dest: string, url: string, ...more: readonly string[]): readonly string[] {
  const where = ['--dest', dest, '--manifest', release.manifestPath, '--source', `${url}/`];
  return ['fetch', ...(more.length > 0 ? more : FIVE), ...where];
}

const FIVE = ['--label', 'pneumonia', '--subset', 'chestdx', '--limit', '5'];

async function imagesIn(dest: string): Promise<readonly string[]> {
  const tree = await listTree(join(dest, 'images')).catch(() => []);
  return tree.filter((path) => path.endsWith('.jpg'));
}

/** What was said, sorted: files are done in any order. What differs from run to run is left out. */
function linesOf(text: string): readonly string[] {
  const said = text.replaceAll(/[\d.]+ [KMG]B\b/g, 'SIZE').replaceAll(/^\[\d\/3\]/gm, '[n/3]');
  return said.trimEnd().split('\n').sort();
}

describe.each(SERVERS)('`ccxri fetch --label` from $kind.name', ({ serve }) => {
  it('fetches the images alone, says what it does, and asks for nothing a second time', async () => {
    const server = await start(serve);
    const dest = await newDest();
    const first = await ccxri(fetchOf(dest, server.url));
    expect(first.code, first.stderr).toBe(0);
    expect(linesOf(first.stderr)).toEqual([
      '      disk: about SIZE needed, SIZE free',
      '[n/3] ChestDx-1.zip: downloaded, crc-checked',
      '[n/3] ChestDx-2.zip: downloaded, crc-checked',
      'chest_dx.csv: downloaded, verified',
      'plan: 5 images of 4 patients in 2 archives; SIZE in 4 requests',
    ]);
    expect(first.stdout).toMatch(/^downloaded, crc-checked +2$/m);
    expect(first.stdout).toMatch(/^5 of 5 images here; 5 came without their archive/m);
    const images = await imagesIn(dest);
    expect(images).toHaveLength(5);
    const index = await readFile(join(dest, 'index.csv'), 'utf8');
    for (const path of images) {
      expect(index).toMatch(new RegExp(`^images/${path},.*,crc-checked$`, 'm'));
    }
    await server.stop();
    const second = await ccxri(fetchOf(dest, server.url));
    expect(second.code, second.stderr).toBe(0);
    expect(linesOf(second.stderr)).toEqual([
      'plan: 5 images of 4 patients in 2 archives; 5 here already',
    ]);
    expect(second.stdout).toMatch(/^done before, crc-checked +2$/m);
    expect(await imagesIn(dest)).toEqual(images);
  });

  it('prints one document with --json, and its events with --ndjson', async () => {
    const server = await start(serve);
    const dest = await newDest();
    const { stdout, stderr } = await ccxri([...fetchOf(dest, server.url), '--ndjson']);
    const events = eventsOf(stdout);
    const names = events.map(({ event }) => event).filter((name) => name !== 'progress');
    const phases = ['phase-start', 'phase-done'];
    expect(
      names.filter((name) => !phases.includes(name)),
      stderr,
    ).toEqual([
      ...['file-done', 'archive-listed', 'archive-listed', 'plan', 'file-done', 'file-done'],
      ...['index-written', 'summary'],
    ]);
    expect(events.find(({ event }) => event === 'plan')).toMatchObject({
      images: { images: 5, imagesHere: 0, archives: 2, requests: 4, wholeArchives: 0 },
    });
    const summary = { exitCode: 0, counts: { images: 5, imagesHere: 5, failed: 0 } };
    expect(events.at(-1)).toMatchObject(summary);
    const json = await ccxri([...fetchOf(dest, server.url), '--json']);
    expect(documentOf(json.stdout)).toMatchObject({
      ...summary,
      result: { images: { images: 5, here: 5 }, bytesDownloaded: 0 },
    });
  });
});

// All at once, for each asks a few times, and waits in between.
it('is code 9 where no ranges are served, and downloads whole archives with --allow-whole', async () => {
  const refuse = async ({ withoutRanges }: (typeof SERVERS)[number]) => {
    const server = await start(withoutRanges);
    const dest = await newDest();
    const refused = await ccxri([...fetchOf(dest, server.url), '--json']);
    expect(refused.code, refused.stderr).toBe(9);
    expect(refused.stderr).toContain("single images can't be fetched");
    expect(refused.stderr).toMatch(/the 2 archives whole would be \d+ KB/);
    expect(refused.stderr).toContain('next: download whole archives with --allow-whole');
    const errors = [{ code: 'ranges-refused' }];
    expect(documentOf(refused.stdout)).toMatchObject({ exitCode: 9, errors });
    expect(await imagesIn(dest)).toEqual([]);
    const whole = await ccxri([...fetchOf(dest, server.url), '--allow-whole']);
    expect(whole.code, whole.stderr).toBe(0);
    expect(whole.stderr).toMatch(/^plan: 5 images .*; 2 archives whole \(\d+ KB\)$/m);
    expect(whole.stdout).toMatch(/^downloaded, verified +2$/m);
    expect(await imagesIn(dest)).toHaveLength(80);
  };
  await Promise.all(SERVERS.map(refuse));
});

describe.skipIf(!hasNginx)('`ccxri fetch --label`', () => {
  it.each([
    {
      name: 'a label that does not exist',
      words: ['--label', 'Hernai'],
      said: 'Did you mean "Hernia"?',
    },
    {
      name: 'a choice of no image',
      words: ['--label', 'COVID-19', '--subset', 'chestdx'],
      said: 'no image',
    },
  ])('is code 2 for $name', async ({ words, said }) => {
    const { url } = await nginx({ root: release.directory });
    const dest = await newDest();
    const { code, stdout, stderr } = await ccxri(fetchOf(dest, url, ...words));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(said);
    expect(await imagesIn(dest)).toEqual([]);
  });

  it('is code 3 for an image that is damaged at the source, and keeps the others', async () => {
    const chosen = release.images.filter(({ archive }) => archive === 'ChestDx-1').slice(0, 3);
    const root = await tempDir();
    const zip = await readFile(join(release.directory, 'ChestDx-1.zip'));
    const bad = zip.indexOf(chosen[1]?.name ?? '') + 1000;
    zip[bad] = zip.readUInt8(bad) ^ 0xff;
    await writeFile(join(root, 'ChestDx-1.zip'), zip);
    await writeFile(
      join(root, 'chest_dx.csv'),
      await readFile(join(release.directory, 'chest_dx.csv')),
    );
    const { url } = await nginx({ root });
    const dest = await newDest();
    const list = join(root, 'list.txt');
    await writeFile(list, chosen.map(({ archive, name }) => `${archive}/${name}\n`).join(''));
    const words = ['--images', list, '--subset', 'chestdx', '--json'];
    const { code, stdout, stderr } = await ccxri(fetchOf(dest, url, ...words));
    expect(code, stderr).toBe(3);
    expect(stderr).toContain(`1 image is damaged at the source (${chosen[1]?.name ?? ''})`);
    expect(await imagesIn(dest)).toHaveLength(2);
    const errors = [{ code: 'damaged-archive' }];
    expect(documentOf(stdout)).toMatchObject({ exitCode: 3, errors });
  });

  it('keeps what has come when it is stopped, and asks for the rest alone', async () => {
    const { directory, manifestPath } = release;
    const fast = await nginx({ root: directory });
    const dest = await newDest();
    const where = ['--dest', dest, '--manifest', manifestPath, '--source', `${fast.url}/`];
    expect((await ccxri(['members', '--file', 'ChestDx-1', ...where])).code).toBe(0);
    const slow = await nginx({ root: directory, limitRate: '4k', sendBuffer: '4k' });
    const words = ['--file', 'ChestDx-1', '--limit', '12', '--connections', '1', '--ndjson'];
    const run = startCcxri(fetchOf(dest, slow.url, ...words));
    await run.hasSaid(/"event":"progress".*"images":[4-9]/);
    run.kill('SIGINT');
    const end = await run.ended;
    expect(end.code, end.stderr).toBe(130);
    expect(end.stderr).toContain('run the same command again');
    const before = (await fast.requests()).length;
    const again = await ccxri(fetchOf(dest, fast.url, ...words));
    expect(again.code, again.stderr).toBe(0);
    const isPlan = (event: { readonly event: string }): event is PlanEvent =>
      event.event === 'plan';
    const { images, bytes = 0 } = eventsOf(end.stdout).find(isPlan)?.images ?? {};
    expect(images).toBe(12);
    const asked = (await fast.requests()).slice(before);
    expect(asked.reduce((sum, request) => sum + request.bytes, 0)).toBeLessThan(bytes - 8000);
    const isRest = ({ path, status }: NginxRequest) => path === '/ChestDx-1.zip' && status === 206;
    // Its page is how a source is known.
    expect(asked.filter((request) => request.path !== '/' && !isRest(request))).toEqual([]);
    expect(await imagesIn(dest)).toHaveLength(12);
  });

  it('needs ranges for nothing where whole archives are allowed, also with kept member indexes', async () => {
    const { url } = await nginx({ root: release.directory });
    const dest = await newDest();
    const where = ['--dest', dest, '--manifest', release.manifestPath, '--source', `${url}/`];
    expect((await ccxri(['members', '--subset', 'chestdx', ...where])).code).toBe(0);
    const other = await nginx({ root: release.directory, extra: 'max_ranges 0;' });
    const refused = await ccxri(fetchOf(dest, other.url));
    expect(refused.code, refused.stderr).toBe(9);
    expect(refused.stderr).toContain('--allow-whole');
    const whole = await ccxri([...fetchOf(dest, other.url), '--allow-whole']);
    expect(whole.code, whole.stderr).toBe(0);
    expect(whole.stdout).toMatch(/^downloaded, verified +2$/m);
  });
});
