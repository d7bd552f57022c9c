import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { StopRequest } from '../../src/cli/exit-codes.ts';
import { run } from '../../src/cli/run.ts';
import { fastClock } from '../support/clock.ts';
import { type Sample, manifestOf, sampleArchive } from '../support/fetching.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { answer, honest, html, useRawServers } from '../support/raw-server.ts';
import { Paper, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const serve = useRawServers();
let samples: readonly Sample[];
beforeAll(() => {
  samples = Array.from({ length: 80 }, (_, i) =>
    sampleArchive(`ChestDx-${i + 1}.zip`, { bytes: 2000 }),
  );
});

/** As long as the path of the real page, so that lines break as they do there. */
const PATH = '/dataset/chest_xray_ai/';

interface World {
  readonly homepage?: string;
  readonly sources?: readonly string[];
  readonly flags?: readonly string[];
  readonly files?: readonly Sample[];
  readonly root?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What a terminal of 80 columns shows of a fetch: both streams, in their order. */
async function fetchAll({ homepage, sources = [], flags = [], files = samples, ...world }: World) {
  const root = world.root ?? (await tempDir());
  const manifest = join(await tempDir(), 'm.json');
  const of = manifestOf(...files);
  await writeFile(manifest, JSON.stringify({ ...of, homepage: homepage ?? of.homepage }));
  const from = sources.flatMap((source) => ['--source', source]);
  const where = ['--dest', join(root, 'set'), '--manifest', manifest, ...from];
  const screen = new Paper(80);
  const code = await run(['fetch', '--subset', 'all', ...where, '--color', 'never', ...flags], {
    stdout: screen,
    stderr: screen,
    stdin: Object.assign(Readable.from([]), { isTTY: false }),
    env: { TERM: 'dumb', ...world.env },
    signal: world.signal ?? new AbortController().signal,
    clock: fastClock(),
    nodeVersion: process.versions.node,
    cwd: root,
  });
  const text = screen.text
    .replaceAll(root, '/data')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:12345')
    .replace(/(?<!again) in \d+(?:\.\d+)? (?:m?s|min)\b/g, ' in 1 s')
    .replace(/[\d.]+ .?B free/g, '9 GB free')
    .replace(/[\d.]+ kB\/s/g, '1 kB/s');
  const lines = text.trimEnd().split('\n');
  for (const next of wholeNexts(lines))
    expect(next.match(/ or /g)?.length ?? 0, next).toBeLessThan(2);
  return { code, lines };
}

/** Each next step on one line. */
function wholeNexts(lines: readonly string[]): readonly string[] {
  const whole = lines.join('\n').replace(/\n {6}/g, ' ');
  return whole.match(/^next: .*$/gm) ?? [];
}

/** A directory with the files, but for some. */
async function mirror(but: Readonly<Record<string, 'absent' | 'wrong'>>): Promise<string> {
  const directory = join(await tempDir(), 'mirror');
  await mkdir(directory);
  for (const { name, bytes } of samples) {
    const wrong = Buffer.from(bytes);
    wrong[40] = (wrong[40] ?? 0) ^ 1;
    await writeFile(join(directory, name), but[name] === 'wrong' ? wrong : bytes);
    if (but[name] === 'absent') await rm(join(directory, name));
  }
  return directory;
}

const nextIn = (lines: readonly string[]) => lines.filter((line) => line.startsWith('next: '));
const fromErrors = (lines: readonly string[]) =>
  lines.slice(lines.findIndex((line) => line.startsWith('error: ')));

describe('a failure of the default page', () => {
  it.each([
    ['401', answer(401, ''), 4, /status 401/, /--header 'Authorization: …' with the credentials/],
    ['403', answer(403, 'no'), 4, /status 403/, /--header 'User-Agent: [^]*--source page\.html/],
    ['404', answer(404, ''), 4, /status 404 \(not found\)/, /--source page\.html/],
    ['500', answer(500, ''), 4, /status 500/, /--source page\.html/],
    ['no link', html('<p>Hello'), 9, /without any link/, /--source page\.html/],
  ] as const)('(%s) takes ten lines and one `next`', async (_, reply, exit, said, advice) => {
    const server = await serve((_, to) => to.send(reply));
    const { code, lines } = await fetchAll({ homepage: `${server.url}${PATH}` });
    expect(code).toBe(exit);
    expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(10);
    expect(nextIn(lines)).toHaveLength(1);
    const end = fromErrors(lines).join('\n');
    expect(end).toMatch(said);
    expect(end.slice(end.indexOf('next: '))).toMatch(advice);
    expect(lines.join('\n')).not.toContain('ChestDx-1');
    expect(end).not.toContain('same command again');
  });

  it('that no host answers for asks whether there is a network', async () => {
    const { code, lines } = await fetchAll({ homepage: `http://ccxri-page.invalid${PATH}` });
    expect(code).toBe(4);
    expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(10);
    const end = fromErrors(lines).map((line) => line.replace(/ENOTFOUND|EAI_AGAIN/, 'ENOTFOUND'));
    expect(end[0]).toBe(
      'error: could not read the page http://ccxri-page.invalid/dataset/chest_xray_ai/:',
    );
    expect(end.slice(-2)).toEqual([
      'next: check that you are online (no host answered), or add --source page.html',
      '      (save http://ccxri-page.invalid/dataset/chest_xray_ai/ in a browser)',
    ]);
  });

  it('that refuses connections does not ask that', async () => {
    const server = await serve(() => undefined);
    await server.close();
    const { code, lines } = await fetchAll({ homepage: `${server.url}${PATH}` });
    expect(code).toBe(4);
    expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(10);
    expect(fromErrors(lines)).toEqual([
      'error: could not read the page http://127.0.0.1:12345/dataset/chest_xray_ai/:',
      '      the connection was refused (ECONNREFUSED) (11 attempts); needed for 80',
      '      files',
      'next: add --source page.html (save http://127.0.0.1:12345/dataset/chest_xray_ai/',
      '      in a browser), or add --source URL-or-directory to name a mirror',
    ]);
  });
});

describe('a page that was named', () => {
  it.each([
    ['404', answer(404, ''), 'next: check its address, or give another --source'],
    [
      '500',
      answer(500, ''),
      'next: add --source page.html (save http://127.0.0.1:12345/mirror.html in a browser), or add --source URL-or-directory to name a mirror',
    ],
    [
      '503 with a time',
      answer(503, '', { 'Retry-After': '31' }),
      'next: run the same command again in 31 s',
    ],
  ] as const)('(%s) gets advice about itself', async (_, reply, advice) => {
    const server = await serve((_request, to) => to.send(reply));
    const sources = [`${server.url}/mirror.html`];
    const { code, lines } = await fetchAll({ sources, flags: ['--retries', '0'] });
    expect(code).toBe(4);
    const end = fromErrors(lines).join(' ').replace(/\s+/g, ' ');
    expect(end.slice(end.indexOf('next: '))).toBe(advice);
  });
});

describe('a base URL that fails for every file', () => {
  it.each([
    ['401', answer(401, '')],
    ['404', answer(404, '')],
    ['503 with a time', answer(503, '', { 'Retry-After': '3' })],
    ['wrong content', answer(200, Buffer.alloc(2000, 'PK'))],
  ] as const)('(%s) is one line while it runs, and one block', async (_, reply) => {
    const server = await serve((_request, to) => to.send(reply));
    const { lines } = await fetchAll({
      sources: [`${server.url}/{name}`],
      flags: ['--retries', '1', '--no-extract'],
      files: samples.slice(0, 9),
    });
    const text = lines.join('\n');
    expect(text.match(/\/9\] .*failed/g), text).toHaveLength(1);
    expect(text.match(/: attempt 1 failed/g)?.length ?? 0, text).toBeLessThanOrEqual(1);
    expect(text.match(/^error: /gm), text).toHaveLength(1);
    expect(nextIn(lines), text).toHaveLength(1);
  });
});

describe('files that fail', () => {
  it('for one cause are one block: wrong content', async () => {
    const source = await mirror({
      'ChestDx-3.zip': 'wrong',
      'ChestDx-4.zip': 'wrong',
      'ChestDx-5.zip': 'wrong',
      'ChestDx-9.zip': 'wrong',
    });
    const { code, lines } = await fetchAll({ sources: [source], flags: ['--no-extract'] });
    expect(code).toBe(3);
    expect(fromErrors(lines).map((line) => line.replace(source, 'MIRROR'))).toEqual([
      'error: 4 files are not the published files',
      '  files:    ChestDx-3…5.zip, ChestDx-9.zip',
      '  source:   MIRROR',
      '  kept:     the wrong bytes, in /data/set/.ccxri/bad/…',
      'next: give another --source to try elsewhere: it was downloaded twice, and was',
      '      wrong both times',
    ]);
  });

  it('for several causes are a block each, the worst last', async () => {
    const source = await mirror({
      'ChestDx-3.zip': 'wrong',
      'ChestDx-7.zip': 'absent',
      'ChestDx-8.zip': 'absent',
    });
    const { code, lines } = await fetchAll({ sources: [source], flags: ['--no-extract'] });
    expect(code).toBe(3);
    expect(nextIn(lines)).toHaveLength(2);
    expect(fromErrors(lines).map((line) => line.replace(source, 'MIRROR'))).toEqual([
      'error: 2 files are not at MIRROR',
      '  files:    ChestDx-7…8.zip',
      'next: give another --source to look elsewhere, then run',
      expect.stringMatching(/^ {6}`ccxri links .*--source MIRROR`$/),
      '      to see what was tried',
      'error: ChestDx-3.zip is not the published file',
      '  source:   MIRROR',
      expect.stringMatching(/^ {2}expected: MD5 /),
      expect.stringMatching(/^ {2}got: {6}MD5 /),
      '  kept:     the wrong bytes, in',
      '      /data/set/.ccxri/bad/ChestDx-3.zip',
      'next: give another --source to try elsewhere: it was downloaded twice, and was',
      '      wrong both times',
    ]);
  });

  it('alone among 80 is one block, and no list', async () => {
    const server = await serve(async (request, reply) => {
      const found = samples.find(({ name }) => request.path === `/${name}`);
      if (found === undefined || found.name === 'ChestDx-7.zip')
        await reply.send(answer(401, 'no'));
      else await reply.send(honest(found.bytes, request));
    });
    const sources = [`${server.url}/{name}`];
    const { code, lines } = await fetchAll({ sources, flags: ['--no-extract'] });
    expect(code).toBe(4);
    expect(fromErrors(lines)).toEqual([
      'error: http://127.0.0.1:12345/ChestDx-7.zip answers with status 401 (it wants a',
      '      user and password)',
      '  source:   http://127.0.0.1:12345/{name}',
      "next: add --header 'Authorization: …' with the credentials it wants",
    ]);
  });
});

it('a wrong file that is asked for again says what it is, and that this is at once', async () => {
  const source = await mirror({ 'ChestDx-3.zip': 'wrong' });
  const { lines } = await fetchAll({ sources: [source], flags: ['--no-extract'] });
  const text = lines.join(' ').replace(/\s+/g, ' ');
  expect(text).toContain('attempt 1 failed: it is not the published file');
  expect(text).toMatch(/attempt 1 failed: [^;]*; again at once/);
});

it('a missing file is not called missing twice', async () => {
  const root = await tempDir();
  const dest = join(root, 'set');
  await mkdir(join(dest, 'archives'), { recursive: true });
  const argv = ['verify', '--subset', 'normal', '--dest', dest];
  const { code, stderr } = await runCli(argv);
  expect(code).toBe(5);
  expect(stderr).toMatch(/\] Normal-1\.zip: missing$/m);
  expect(stderr).not.toContain('missing (missing)');
});

it('an interrupted fetch ends with how to continue it', async () => {
  const stop = new AbortController();
  const server = await serve(async (request, reply) => {
    const found = samples.find(({ name }) => request.path === `/${name}`);
    if (found?.name === 'ChestDx-1.zip') await reply.send(honest(found.bytes, request));
    else {
      stop.abort(new StopRequest('SIGINT'));
      await reply.hang();
    }
  });
  const { code, lines } = await fetchAll({
    sources: [`${server.url}/{name}`],
    flags: ['--no-extract', '--concurrency', '1'],
    signal: stop.signal,
  });
  expect(code).toBe(130);
  expect(fromErrors(lines)).toEqual([
    'error: stopped before the end; what was there is kept',
    'next: run the same command again to continue where it stopped',
  ]);
});

it.skipIf(!canMount)('a full disk: how much is to be freed', async () => {
  const root = await mounts.small(600_000);
  const files = [1, 2, 3, 4].map((n) => sampleArchive(`ChestDx-${n}.zip`));
  const directory = join(await tempDir(), 'mirror');
  await mkdir(directory);
  for (const { name, bytes } of files) await writeFile(join(directory, name), bytes);
  const world = { root, files, sources: [directory] };
  const { code, lines } = await fetchAll({ ...world, flags: ['-y', '--no-extract'] });
  expect(code).toBe(6);
  expect(nextIn(lines)).toHaveLength(1);
  expect(fromErrors(lines).join('\n')).toMatch(
    /^error: [^]*\nnext: free about [\d.]+ .B \(the rest needs about/,
  );
});

describe('a proxy', () => {
  it('is named in an error of the network, without its password', async () => {
    const server = await serve((_, reply) => reply.send(answer(503, '')));
    const env = { HTTP_PROXY: `http://me:hunter2@127.0.0.1:${server.port}` };
    const flags = ['--retries', '0', '-v'];
    const { code, lines } = await fetchAll({
      sources: ['http://far.invalid/page.html'],
      env,
      flags,
    });
    expect(code).toBe(4);
    const text = lines.join('\n');
    expect(text).toContain('far.invalid: through the proxy http://127.0.0.1:12345 (HTTP_PROXY)');
    expect(fromErrors(lines).join(' ').replace(/\s+/g, ' ')).toContain(
      'status 503 (busy), through the proxy http://127.0.0.1:12345 (HTTP_PROXY)',
    );
    expect(text).not.toContain('hunter2');
  });

  it.each(['http//x', 'foo bar'])('%s is no address', async (value) => {
    const { code, lines } = await fetchAll({ env: { HTTPS_PROXY: value } });
    expect(code).toBe(2);
    expect(lines[0]).toBe(`error: HTTPS_PROXY is no address of a proxy: ${value}`);
    expect(lines.at(-1)).toBe('next: fix HTTPS_PROXY in the environment, or unset it');
  });
});
