import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { choiceOf, imagesIn, makeSmallRelease, runImages } from '../support/chosen-images.ts';
import {
  type RawRequest,
  answer,
  honest,
  slice,
  spanOf,
  useRawServers,
} from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

const NAME = 'ChestDx-1.zip';
const OF_ONE = { selection: { files: ['ChestDx-1', 'chest_dx.csv'] } };
const SOME = choiceOf({ labels: [], limit: 6 });

/** A release by HTTP, as it lies in its directory. `odd` answers some requests for the archive. */
async function setUp(odd: (request: RawRequest, zip: Buffer) => Buffer | undefined) {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const server = await serve(async (request, reply) => {
    const bytes = await readFile(join(directory, request.path));
    const special = request.path.endsWith(NAME) ? odd(request, bytes) : undefined;
    return reply.send(special ?? fileAnswer(bytes, request));
  });
  const setup = { manifest, sources: [`${server.url}/{name}`], ...OF_ONE };
  const path = join(directory, NAME);
  return { root: await tempDir(), server, directory, path, zip: await readFile(path), setup };
}

/** With ranges, also those that are counted from the end. */
function fileAnswer(bytes: Buffer, request: RawRequest, etag?: string): Buffer {
  const last = /^bytes=-(\d+)$/.exec(request.headers['range'] ?? '')?.[1];
  if (last === undefined) return honest(bytes, request, etag);
  const span = [Math.max(0, bytes.length - Number(last)), bytes.length] as const;
  return slice(bytes, span, { ETag: etag ?? '"v1"' });
}

/** Below images/: those that a choice of six brings, in the order of their names. */
async function chosenImages(setup: Parameters<typeof runImages>[1]): Promise<readonly string[]> {
  const root = await tempDir();
  await runImages(root, { ...setup, images: SOME });
  return (await imagesIn(root)).map((path) => path.slice(path.lastIndexOf('/') + 1));
}

/** One byte of the data of a member. */
function damage(zip: Buffer, image: string): Buffer {
  const damaged = Buffer.from(zip);
  const at = damaged.indexOf(image) + 1000;
  damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
  return damaged;
}

describe('where the directory is read again for images that are damaged', () => {
  test.each([
    ['is not to be had', () => answer(404, '')],
    ['is not served in parts', (_: RawRequest, zip: Buffer) => answer(200, zip)],
  ])('and %s, the others stand, and the damaged ones are told', async (_, odd) => {
    let isAnswered = true;
    const { root, path, zip, setup } = await setUp((request, bytes) =>
      isAnswered || (spanOf(request)?.[0] ?? 0) < bytes.length - 6000
        ? undefined
        : odd(request, bytes),
    );
    const [image = ''] = await chosenImages(setup);
    isAnswered = false;
    await writeFile(path, damage(zip, image));
    const { exit, result } = await runImages(root, { ...setup, images: SOME });
    expect(exit).toBe(3);
    const outcome = result?.outcomes.find(({ file }) => file === NAME);
    expect(outcome).toMatchObject({
      ...{ did: 'failed', images: 5, error: { code: 'damaged-archive' } },
      damagedMembers: [{ path: expect.stringContaining(image) as string }],
    });
    expect(await imagesIn(root)).toHaveLength(5);
  });
});

test('an image that the archive has no more since it was indexed is told', async () => {
  const { root, path, zip, setup } = await setUp(() => undefined);
  const [image = ''] = await chosenImages(setup);
  await runImages(root, { ...setup, images: choiceOf({ labels: [], limit: 1 }) });
  const other = zip.toString('latin1').replaceAll(image, image.replace('patient', 'nobody_'));
  await writeFile(path, Buffer.from(other, 'latin1'));
  const { exit, result } = await runImages(root, { ...setup, images: SOME });
  expect(exit).toBe(0);
  expect(result?.images).toMatchObject({ here: 5, notInArchive: [`ChestDx-1/${image}`] });
  expect(result?.images?.remarks).toMatchObject([{ kind: 'row-without-image', strict: true }]);
});

describe('of two sources', () => {
  test('one whose archive changes with each request is left for the other', async () => {
    const { root, directory, setup } = await setUp((request, zip) =>
      fileAnswer(zip, request, `"${request.index}"`),
    );
    const sources = [...setup.sources, directory];
    const { exit, result, events } = await runImages(root, { ...setup, sources, images: SOME });
    expect(result?.outcomes.flatMap(({ error }) => error ?? [])).toEqual([]);
    expect(exit).toBe(0);
    expect(await imagesIn(root)).toHaveLength(6);
    expect(events.filter(({ event }) => event === 'source-left')).toHaveLength(1);
  });

  test('each is asked once where an archive that has changed is not to be had any more', async () => {
    let requests = 0;
    const { root, setup } = await setUp((request, zip) => {
      requests += 1;
      if (requests > 2) return answer(404, '');
      return fileAnswer(zip, request, `"${requests}"`);
    });
    const sources = [...setup.sources, await tempDir()];
    const { exit, events } = await runImages(root, { ...setup, sources, images: SOME });
    expect(exit).toBe(4);
    const left = events.filter(({ event }) => event === 'source-left');
    expect(left).toMatchObject([{ file: NAME, source: setup.sources[0] }]);
  });

  test('the images of the first stand, where the other has another build of the archive', async () => {
    const { root, path, zip, setup } = await setUp(() => undefined);
    const [image = ''] = await chosenImages(setup);
    await writeFile(path, damage(zip, image));
    const other = await tempDir();
    await writeFile(join(other, NAME), withOtherSums(zip));
    const sources = [...setup.sources, other];
    const { exit, result } = await runImages(root, { ...setup, sources, images: SOME });
    expect(exit).toBe(3);
    expect(result?.outcomes.find(({ file }) => file === NAME)).toMatchObject({
      ...{ did: 'failed', images: 5, error: { code: 'damaged-archive' } },
      damagedMembers: [{ path: expect.stringContaining(image) as string }],
    });
  });
});

/** Every CRC-32 in the directory of a zip is another one. */
function withOtherSums(zip: Buffer): Buffer {
  const other = Buffer.from(zip);
  const next = (from: number) => other.indexOf('PK\x01\x02', from);
  for (let at = next(0); at >= 0; at = next(at + 4))
    other.writeUInt8(other.readUInt8(at + 16) ^ 1, at + 16);
  return other;
}
