import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import type { FetchOptions } from '../../src/fetch/fetch-types.ts';
import { openAtSource } from '../../src/ranges/open-ranged.ts';
import { fastClock } from '../support/clock.ts';
import { type Daemon, isInstalled, startDaemon } from '../support/daemon.ts';
import { withFetchRun } from '../support/downloads.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { NGINX, hasNginx, useNginx } from '../support/nginx.ts';
import {
  type OddServer,
  type OddServerOptions,
  type Twist,
  oddServer,
} from '../support/odd-server.ts';
import { type RawServer, useRawServers } from '../support/raw-server.ts';
import { APACHE, LIGHTTPD, apache, lighttpd } from '../support/real-servers.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import {
  HTML,
  change,
  headers,
  isRanged,
  once,
  page,
  times,
  when,
  whole,
} from '../support/twists.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const nginx = useNginx();

const ARCHIVE = sampleArchive('ChestDx-1.zip', { bytes: 900_000 });
const { bytes: BYTES } = ARCHIVE;
/** In the middle, at the start, and into what has come at first. */
const RANGES = [
  [300_000, 200_000],
  [0, 1000],
  [BYTES.length - 70_000, 70_000],
] as const;

interface Got {
  /** What was read of each range; a code where the file could not be opened or read. */
  readonly result: readonly Buffer[] | string;
  readonly bytesReceived: number;
}

async function read(url: string, options: Partial<FetchOptions> = {}): Promise<Got> {
  const manifest = manifestOf(ARCHIVE);
  const dest = join(await tempDir(), 'data');
  const setup = { dest, manifest, sources: [`${url}/{name}`], clock: fastClock(), ...options };
  return withFetchRun(setup, async ({ downloads, meter }) => {
    const result = await openAtSource(manifest.files[0]!, downloads)
      .then(async ({ ranged }) => {
        expect(ranged.sizeBytes).toBe(BYTES.length);
        const buffers = RANGES.map(([, length]) => Buffer.alloc(length));
        for (const [at, [start]] of RANGES.entries()) await ranged.read(buffers[at]!, start);
        return buffers;
      })
      .catch((error: unknown) => {
        if (error instanceof CcxriError) return error.code;
        throw error;
      });
    return { result, bytesReceived: meter.bytesReceived };
  });
}

function expectRight(result: Got['result']): void {
  const expected = RANGES.map(([start, length]) => BYTES.subarray(start, start + length));
  expect(
    typeof result === 'string' ? result : result.map((each, at) => each.equals(expected[at]!)),
  ).toEqual(RANGES.map(() => true));
}

async function oddly(
  twists: readonly Twist[],
  more: Partial<OddServerOptions> = {},
): Promise<{ readonly server: RawServer; readonly odd: OddServer }> {
  const odd = oddServer({ bytes: BYTES, twists, ...more });
  return { server: await serve(odd.script), odd };
}

const isSuffix = ({
  request,
}: {
  readonly request: { readonly headers: Readonly<Record<string, string>> };
}) => (request.headers['range'] ?? '').startsWith('bytes=-');
const early =
  (by: number): Twist =>
  (answer, { range, bytes }) => {
    if (range === undefined) return answer;
    const from = Math.max(0, range[0] - by);
    const contentRange = `bytes ${from}-${range[1] - 1}/${bytes.length}`;
    const body = bytes.subarray(from, range[1]);
    return { ...answer, headers: { ...answer.headers, 'Content-Range': contentRange }, body };
  };
const limited = '{"code":429,"msg":"slow down"}';

describe('#212 a server that serves parts, in its own way', () => {
  it.each<[string, readonly Twist[], Partial<OddServerOptions>?]>([
    ['as it should', []],
    ['none that is counted from the end, all of it', [when(isSuffix, whole)]],
    ['none that is counted from the end, 416', [when(isSuffix, page(416))]],
    [
      'none that is counted from the end, the first bytes',
      [
        when(isSuffix, (answer, { bytes }) => ({
          ...answer,
          headers: { ...answer.headers, 'Content-Range': `bytes 0-65556/${bytes.length}` },
          body: bytes.subarray(0, 65_557),
        })),
      ],
    ],
    ['with status 200', [when(isRanged, change({ status: 200 }))]],
    [
      'another unit',
      [
        (answer, ask) =>
          headers({
            'Content-Range': (answer.headers['Content-Range'] ?? '').replace('bytes ', 'Bytes='),
          })(answer, ask),
      ],
    ],
    ['each cut', [times(9, isRanged, (answer) => ({ ...answer, cutAt: answer.body.length >> 1 }))]],
    ['from a little earlier', [early(512)]],
    ['all of it once', [once(whole, (ask) => !isSuffix(ask))]],
    ['all of it from the first byte on', [when(({ range }) => range?.[0] === 0, whole)]],
    ['a page once', [once(page(200, HTML))]],
    ['a page once, later', [once(page(200, HTML), ({ index }) => index === 2)]],
    [
      '503 and Retry-After, three times',
      [times(3, () => true, page(503, '', { 'Retry-After': '2' }))],
    ],
    ['429, twice', [times(2, () => true, page(429, limited))]],
    ['a limit told in a 200, twice', [times(2, isRanged, page(200, limited))]],
    ['a reset, twice', [times(2, isRanged, change({ isRefused: true }))]],
    ['416, twice', [times(2, ({ index }) => index > 0, page(416))]],
    ['a coding that is none', [headers({ 'Content-Encoding': 'binary' })]],
    ['no validator', [], { validators: { etag: () => undefined, lastModified: () => undefined } }],
    [
      'three validators, as of three nodes',
      [],
      { validators: { nodes: 3, etag: (n) => `"n${n}"` } },
    ],
    ['a weak validator that changes', [], { validators: { etag: (_, index) => `W/"${index}"` } }],
  ])('%s: the bytes are right', async (_, twists, more) => {
    const { server, odd } = await oddly(twists, more);
    expectRight((await read(server.url)).result);
    // What was wanted, and no whole file.
    expect(odd.sentBytes()).toBeLessThan(1.2 * BYTES.length);
  });

  it('takes two requests and the bytes that were asked for, where all is well', async () => {
    const { server, odd } = await oddly([]);
    const { bytesReceived } = await read(server.url);
    expect(server.requests.map(({ headers: { range } }) => range)).toEqual([
      'bytes=-65557',
      'bytes=300000-499999',
      'bytes=0-999',
      `bytes=${BYTES.length - 70_000}-${BYTES.length - 65_558}`,
    ]);
    expect(bytesReceived).toBe(odd.sentBytes());
  });
});

describe('#213 a server that serves no parts', () => {
  it.each<[string, readonly Twist[], string]>([
    ['all of it, whatever is asked', [whole], 'ranges-refused'],
    ['all of it, without a length', [whole, change({ framing: 'chunked' })], 'ranges-refused'],
    ['all of it, as a part', [(answer, ask) => early(BYTES.length)(answer, ask)], 'ranges-refused'],
    ['403 to a Range', [when(isRanged, page(403, HTML))], 'ranges-refused'],
    ['400 to a Range', [when(isRanged, page(400))], 'ranges-refused'],
    ['gzip', [headers({ 'Content-Encoding': 'gzip' })], 'ranges-refused'],
    [
      'several parts in one body',
      [
        when(
          isRanged,
          headers({ 'Content-Type': 'multipart/byteranges', 'Content-Range': undefined }),
        ),
      ],
      'ranges-refused',
    ],
    ['404', [page(404)], 'http-status'],
    ['a page, each time', [page(200, HTML)], 'not-the-file'],
    ['503, each time', [page(503)], 'http-status'],
  ])('%s: is told', async (_, twists, code) => {
    const { server, odd } = await oddly(twists);
    expect((await read(server.url, { retries: 3 })).result).toBe(code);
    // Bodies that are of no use are not read to their end.
    expect(odd.sentBytes()).toBeLessThan(5 * BYTES.length);
  });

  it.each([0, 1, 2])('is told for what it is with %i retries, too', async (retries) => {
    const { server } = await oddly([whole]);
    expect((await read(server.url, { retries })).result).toBe('ranges-refused');
  });

  it('is known to the next file of its host', async () => {
    const { server } = await oddly([whole]);
    const manifest = manifestOf(ARCHIVE);
    const dest = join(await tempDir(), 'data');
    const setup = { dest, manifest, sources: [`${server.url}/{name}`], clock: fastClock() };
    await withFetchRun(setup, async ({ downloads }) => {
      const open = () => openAtSource(manifest.files[0]!, downloads);
      await expect(open()).rejects.toMatchObject({ code: 'ranges-refused' });
      const before = server.requests.length;
      await expect(open()).rejects.toMatchObject({ code: 'ranges-refused' });
      expect(before).toBe(5);
      expect(server.requests.length - before).toBe(2);
    });
  });
});

describe('#214 a file that is another one later', () => {
  it.each<[string, readonly Twist[], Partial<OddServerOptions>]>([
    ['by its ETag', [], { validators: { etag: (_, index) => (index < 2 ? '"a"' : '"b"') } }],
    [
      'by its length',
      [
        (answer, { index }) =>
          index < 2
            ? answer
            : { ...answer, headers: { ...answer.headers, 'Content-Range': 'bytes 0-999/5000' } },
      ],
      {},
    ],
  ])('%s: is changed, once it is seen that no other server answers', async (_, twists, more) => {
    const { server } = await oddly(twists, more);
    expect((await read(server.url)).result).toBe('changed');
    expect(server.requests).toHaveLength(7);
  });
});

/** Readable for servers that give up the rights of root. */
async function servedRoot(): Promise<string> {
  const root = await tempDir();
  await chmod(root, 0o755);
  await writeFile(join(root, ARCHIVE.name), BYTES);
  return root;
}

describe('servers as they are', () => {
  const running: Daemon[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((daemon) => daemon.stop()));
  });

  it.skipIf(!hasNginx)(`${NGINX.name}: two requests to begin with`, async () => {
    const root = await servedRoot();
    const server = await nginx({ root });
    const { result, bytesReceived } = await read(server.url);
    expectRight(result);
    expect(await server.requests()).toHaveLength(4);
    expect(bytesReceived).toBe(65_557 + 201_000 + 70_000 - 65_557);
  });

  it.skipIf(!isInstalled(APACHE))('Apache', async () => {
    const root = await servedRoot();
    const daemon = await startDaemon(APACHE, apache({ root }));
    running.push(daemon);
    expectRight((await read(daemon.url)).result);
  });

  it.skipIf(!isInstalled(APACHE))('Apache that serves no ranges is told', async () => {
    const root = await servedRoot();
    const daemon = await startDaemon(APACHE, apache({ root, extra: 'MaxRanges none' }));
    running.push(daemon);
    expect((await read(daemon.url)).result).toBe('ranges-refused');
  });

  it.skipIf(!isInstalled(LIGHTTPD))('lighttpd', async () => {
    const root = await servedRoot();
    const daemon = await startDaemon(LIGHTTPD, lighttpd({ root }));
    running.push(daemon);
    expectRight((await read(daemon.url)).result);
  });
});
