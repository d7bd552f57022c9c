import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Sample,
  destIn,
  manifestOf,
  noise,
  run,
  sampleArchive,
  sampleLabels,
} from '../support/fetching.ts';
import {
  type RawReply,
  type RawRequest,
  answer,
  brokenOff,
  honest,
  html,
  useRawServers,
  whole,
} from '../support/raw-server.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const b = sampleArchive('ChestDx-2.zip');
const labels = sampleLabels('chest_dx.csv', 'image,zip\n');
const all = [a, b, labels];
const manifest = manifestOf(...all);

const fileOf = (request: RawRequest, samples: readonly Sample[] = all) =>
  samples.find(({ name }) => request.path.startsWith(`/${name}`));

/** Serves every file as it is. */
async function serveWell(request: RawRequest, reply: RawReply): Promise<void> {
  const file = fileOf(request);
  await reply.send(file === undefined ? answer(404, '') : honest(file.bytes, request));
}

const sourceLeft = (events: readonly { readonly event: string }[]) =>
  events.filter(({ event }) => event === 'source-left');

describe('several sources', () => {
  const wrongBytes = noise('older release', a.bytes.length);
  wrongBytes.write('PK\u0003\u0004');
  it.each([
    { name: 'lacks it', reply: answer(404, ''), code: 'file-not-at-source' },
    { name: 'is down', reply: answer(503, ''), code: 'http-status' },
    { name: '#8 serves a page', reply: html('log in'), code: 'not-the-file' },
    { name: '#38 has another length', reply: whole(noise('x', 900_000)), code: 'not-the-file' },
    { name: '#38 serves another release', reply: whole(wrongBytes), code: 'md5-mismatch' },
  ])('the next is tried when one $name', async ({ reply: bytes, code }) => {
    const bad = await serve((_, reply) => reply.send(bytes));
    const good = await serve(serveWell);
    const dest = destIn(await tempDir());
    const ran = await run({
      dest,
      manifest: manifestOf(a),
      sources: [`${bad.url}/{name}`, `${good.url}/{name}`],
      retries: 0,
    });
    expect(ran.outcomes).toEqual(['downloaded']);
    expect(ran.exit).toBe(0);
    expect(ran.result?.outcomes[0]?.source).toBe(`${good.url}/{name}`);
    expect(sourceLeft(ran.events)).toMatchObject([
      { file: a.name, source: `${bad.url}/{name}`, error: { code } },
    ]);
    // None of the bytes of the one are used for the other.
    expect(good.requests.map(({ headers }) => headers['range'])).toEqual([undefined]);
  });

  it('bytes of the first are not resumed at the second', async () => {
    const bad = await serve(async (_, reply) => {
      await reply.send(brokenOff(wrongBytes, 100_000));
      reply.end();
    });
    const good = await serve(serveWell);
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest: manifestOf(a),
      sources: [`${bad.url}/{name}`, `${good.url}/{name}`],
      retries: 0,
    });
    expect(ran.exit).toBe(0);
    expect(good.requests.map(({ headers }) => headers['range'])).toEqual([undefined]);
  });

  it('#156 a directory, for what it has of what the manifest says, and a server for the rest', async () => {
    const root = await tempDir();
    await writeTree(root, { 'mirror/ChestDx-1.zip': a.bytes, 'mirror/ChestDx-2.zip': 'wrong' });
    const good = await serve(serveWell);
    const dest = destIn(root);
    const ran = await run({
      dest,
      manifest,
      sources: [join(root, 'mirror'), `${good.url}/{name}`],
    });
    expect(ran.exit).toBe(0);
    expect(good.requests.map(({ path }) => path).sort()).toEqual([
      '/ChestDx-2.zip',
      '/chest_dx.csv',
    ]);
    expect(await readFile(join(root, 'mirror/ChestDx-2.zip'), 'utf8')).toBe('wrong');
  });

  it('one reports what all have answered, when none has it', async () => {
    const one = await serve((_, reply) => reply.send(html('log in')));
    const two = await serve((_, reply) => reply.send(answer(404, '')));
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest: manifestOf(a),
      sources: [`${one.url}/{name}`, `${two.url}/{name}`],
    });
    expect(ran.outcomes).toEqual(['not-the-file']);
    expect(ran.exit).toBe(9);
    const reasons = ran.result?.outcomes[0]?.error?.facts.reasons ?? [];
    expect(reasons).toHaveLength(2);
    expect(reasons[0]).toContain(`${one.url}/{name}: `);
    expect(reasons[1]).toContain('404');
  });
});

describe('one file that fails leaves the others going', () => {
  it('#13 and the most severe failure decides over the exit code', async () => {
    const server = await serve(async (request, reply) => {
      const name = fileOf(request)?.name;
      if (name === a.name) await reply.send(answer(404, ''));
      else if (name === b.name) await reply.send(html('log in'));
      else await serveWell(request, reply);
    });
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.outcomes).toEqual(['file-not-at-source', 'not-the-file', 'downloaded']);
    expect(ran.exit).toBe(9);
    expect(await listTree(join(dest, 'labels'))).toEqual(['chest_dx.csv']);
  });

  it('#37 and HEAD is never asked for', async () => {
    const server = await serve(async (request, reply) => {
      if (request.method === 'GET') await serveWell(request, reply);
      else await reply.send(answer(405, ''));
    });
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/`] });
    expect(ran.exit).toBe(0);
    expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  it('#93 a file that is selected twice comes once', async () => {
    const server = await serve(serveWell);
    const ran = await run({
      dest: destIn(await tempDir()),
      manifest,
      sources: [`${server.url}/{name}`],
      selection: { subsets: ['chestdx', 'all'], files: ['ChestDx-1', 'chestdx-1.zip'] },
    });
    expect(ran.outcomes).toEqual(['downloaded', 'downloaded', 'downloaded']);
    expect(server.requests).toHaveLength(3);
  });
});

it('an archive that has passed is extracted while another one still downloads', async () => {
  let extracted: () => void = () => undefined;
  const isExtracted = new Promise<void>((resolve) => {
    extracted = resolve;
  });
  const server = await serve(async (request, reply) => {
    if (fileOf(request) !== b) return serveWell(request, reply);
    const bytes = honest(b.bytes, request);
    await reply.send(bytes.subarray(0, 50_000));
    await isExtracted;
    return reply.send(bytes.subarray(50_000));
  });
  const ran = await run({
    dest: destIn(await tempDir()),
    manifest,
    sources: [`${server.url}/{name}`],
    extract: true,
    timeoutMs: 20_000,
    onEvent: (event) => {
      if (event.event === 'phase-done' && event.phase === 'extract') extracted();
    },
  });
  expect(ran.exit).toBe(0);
  const done = ran.events.flatMap((event) =>
    event.event === 'phase-done' ? [`${event.file} ${event.phase}`] : [],
  );
  expect(done.indexOf(`${a.name} extract`)).toBeLessThan(done.indexOf(`${b.name} download`));
});

it('downloads nothing in a dry run, and writes nothing', async () => {
  const server = await serve(serveWell);
  const dest = destIn(await tempDir());
  const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`], dryRun: true });
  expect(ran.result?.plan.steps.map(({ action }) => action)).toEqual([
    'download',
    'download',
    'download',
  ]);
  expect(server.requests).toEqual([]);
  expect(await listTree(join(dest, '..'))).toEqual([]);
});

it('asks nobody for anything when all is here, even where the source is gone', async () => {
  const server = await serve(serveWell);
  const dest = destIn(await tempDir());
  await run({ dest, manifest, sources: [`${server.url}/{name}`] });
  const again = await run({ dest, manifest, sources: [join(dest, 'no-such-mirror')] });
  expect(again.outcomes).toEqual(['skipped', 'skipped', 'skipped']);
  expect(again.exit).toBe(0);
  expect(server.requests).toHaveLength(3);
});

it('#159 says that something must be selected, and which subset may be meant, before it writes', async () => {
  const dest = destIn(await tempDir());
  const nothing = await run({ dest, manifest, selection: {} });
  expect(nothing.error).toMatchObject({ code: 'nothing-selected' });
  const typo = await run({ dest, manifest, selection: { subsets: ['chestdxx'] } });
  expect(typo.error).toMatchObject({ code: 'unknown-subset' });
  expect([nothing.exit, typo.exit]).toEqual([2, 2]);
  expect(await listTree(join(dest, '..'))).toEqual([]);
});

it('#36 a text that a proxy has put into the body is found out', async () => {
  const broken = Buffer.from(a.bytes);
  broken.write('transfer interrupted', 70_000);
  const server = await serve((request, reply) => reply.send(honest(broken, request)));
  const dest = destIn(await tempDir());
  const ran = await run({
    dest,
    manifest: manifestOf(a),
    sources: ['http://far-away.invalid/{name}'],
    env: { HTTP_PROXY: server.url },
  });
  expect(ran.exit).toBe(3);
  expect(server.requests[0]?.path).toBe('http://far-away.invalid/ChestDx-1.zip');
});

it('a directory that lacks the file: the next step is another source, not another time', async () => {
  const ran = await run({ dest: destIn(await tempDir()), manifest, sources: [await tempDir()] });
  expect(ran.outcomes[0]).toBe('file-not-at-source');
  expect(ran.result?.outcomes[0]?.error?.next).toMatchObject([
    { kind: 'option', option: 'source' },
    { kind: 'run', command: 'links' },
  ]);
});
