import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { openAtSource, startOverIfChanged } from '../../src/ranges/open-ranged.ts';
import type { RangedFile } from '../../src/ranges/ranged-file.ts';
import type { FileIdentity } from '../../src/ranges/remote-file.ts';
import { withFetchRun } from '../support/downloads.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { hasNginx, type Nginx, useNginx } from '../support/nginx.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const ARCHIVE = sampleArchive('ChestDx-1.zip', { bytes: 200_000 });

async function serve(): Promise<{ readonly server: Nginx; readonly path: string }> {
  const root = await tempDir();
  const path = join(root, ARCHIVE.name);
  await writeFile(path, ARCHIVE.bytes);
  return { server: await nginx({ root }), path };
}

async function withOpened<T>(
  sources: readonly string[],
  known: FileIdentity | undefined,
  work: (ranged: RangedFile) => Promise<T>,
): Promise<T> {
  const manifest = manifestOf(ARCHIVE);
  const dest = join(await tempDir(), 'data');
  return withFetchRun({ dest, manifest, sources }, async ({ downloads }) =>
    work((await openAtSource(manifest.files[0]!, downloads, known)).ranged),
  );
}

/** Without those that look where the file is. */
async function rangesAsked(server: Nginx): Promise<readonly string[]> {
  const requests = await server.requests();
  return requests.map(({ range }) => range).filter((range) => !/^(?:|bytes=0-255)$/.test(range));
}

async function bytesOf(ranged: RangedFile, start: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await ranged.fetch({ start, length }, (piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

describe.skipIf(!hasNginx)('a file that an earlier run has opened', () => {
  const identityOf = async ({ sizeBytes: totalBytes, validator }: RangedFile) =>
    Promise.resolve({ totalBytes, validator });

  it('is not asked for anything again: the first answer is compared with what is known', async () => {
    const { server, path } = await serve();
    const known = await withOpened([server.url], undefined, identityOf);
    expect(await rangesAsked(server)).toEqual(['bytes=-65557']);
    const bytes = await withOpened([server.url], known, (ranged) => bytesOf(ranged, 1000, 50));
    expect(bytes.equals(ARCHIVE.bytes.subarray(1000, 1050))).toBe(true);
    expect(await rangesAsked(server)).toEqual(['bytes=-65557', 'bytes=1000-1049']);
    await utimes(path, 1000, 1000);
    const changed = withOpened([server.url], known, (ranged) => bytesOf(ranged, 1000, 50));
    await expect(changed).rejects.toMatchObject({ code: 'changed' });
  });

  it('that is another one by now takes one request to see, however many ranges are wanted', async () => {
    const { server } = await serve();
    const known = { totalBytes: ARCHIVE.bytes.length, validator: '"another"' };
    await withOpened([server.url], known, async (ranged) => {
      const starts = Array.from({ length: 8 }, (_, at) => 1000 * at);
      const codes = await Promise.all(
        starts.map((start) =>
          bytesOf(ranged, start, 50).catch((error: unknown) =>
            error instanceof CcxriError ? error.code : error,
          ),
        ),
      );
      expect(codes).toEqual(starts.map(() => 'changed'));
    });
    expect(await rangesAsked(server)).toEqual(['bytes=0-49']);
  });

  it('is taken for the one that the first of several sources has', async () => {
    const [one, two] = [await serve(), await serve()];
    const sources = [one.server.url, two.server.url];
    const known = await withOpened(sources, undefined, identityOf);
    await withOpened(sources, known, (ranged) => bytesOf(ranged, 1000, 50));
    expect(await rangesAsked(one.server)).toEqual(['bytes=-65557', 'bytes=1000-1049']);
    expect(await rangesAsked(two.server)).toEqual([]);
  });
});

describe('work on a file that changes meanwhile', () => {
  async function timesDone(fail: (time: number) => CcxriError | undefined) {
    const seconds: boolean[] = [];
    const result = await startOverIfChanged(new AbortController().signal, (isSecond) => {
      seconds.push(isSecond);
      const error = fail(seconds.length);
      return error === undefined ? Promise.resolve('done') : Promise.reject(error);
    }).catch((error: unknown) => (error instanceof CcxriError ? error.code : error));
    return { seconds, result };
  }
  const changed = new CcxriError('changed', 'it has changed');
  const network = new CcxriError('network', 'it broke off');

  it.each([
    ['not at all', () => undefined, { seconds: [false], result: 'done' }],
    [
      'once',
      (n: number) => (n === 1 ? changed : undefined),
      { seconds: [false, true], result: 'done' },
    ],
    ['each time', () => changed, { seconds: [false, true], result: 'changed' }],
    ['not, and fails', () => network, { seconds: [false], result: 'network' }],
  ])('%s: is done once more at most', async (_, fail, expected) => {
    expect(await timesDone(fail)).toEqual(expected);
  });
});
