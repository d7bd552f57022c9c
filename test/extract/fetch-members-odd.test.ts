import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { remount } from '../support/full-disk.ts';
import { manifestOf, noise, toSample } from '../support/fetching.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { type Twist, oddServer } from '../support/odd-server.ts';
import { useRawServers } from '../support/raw-server.ts';
import { extraResources } from '../support/resources.ts';
import { getImages } from '../support/single-images.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { times, when } from '../support/twists.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const mounts = useMounts();

const NAME = 'ChestDx-1.zip';
const pathOf = (n: number) => `p${n % 2}/patient${n}_000.jpg`;
const CONTENTS = Array.from({ length: 40 }, (_, n) => likeJpeg(noise(`m${n}`, 100_000)));
const IMAGES: readonly ZipMember[] = CONTENTS.map((content, n) => ({ name: pathOf(n), content }));
const ZIP = buildZip(IMAGES);
/** Every third: no request gets two of them. */
const WANTED = Array.from({ length: 13 }, (_, n) => n * 3);

const manifestFor = (zip: Buffer) =>
  manifestOf(toSample(NAME, zip, { kind: 'archive', category: 'ChestDx' }));

async function expectImages(dest: string, wanted: readonly number[]): Promise<void> {
  const root = join(dest, 'images', 'ChestDx-1');
  const here = await readdir(root, { recursive: true });
  expect(here.filter((path) => path.endsWith('.jpg')).sort()).toEqual(wanted.map(pathOf).sort());
  for (const n of wanted) expect(await readFile(join(root, pathOf(n)))).toEqual(CONTENTS[n]);
}

interface Setup {
  readonly zip?: Buffer;
  readonly twists?: readonly Twist[];
  readonly wanted?: readonly number[];
  readonly dest?: string;
  readonly signal?: AbortSignal;
}

async function getFrom({ zip = ZIP, twists = [], wanted = WANTED, ...setup }: Setup) {
  const odd = oddServer({ bytes: zip, twists });
  const server = await serve(odd.script);
  const dest = setup.dest ?? join(await tempDir(), 'data');
  const source = `${server.url}/{name}`;
  const asked = { ...setup, dest, source, manifest: manifestFor(zip), paths: wanted.map(pathOf) };
  return { dest, sentBytes: odd.sentBytes, got: getImages(asked) };
}

/** Flips a bit of every body that has this byte of the archive. */
function flip(at: number): Twist {
  return when(
    ({ range }) => range !== undefined && range[0] <= at && at < range[1],
    (answer, { range }) => {
      const body = Buffer.from(answer.body);
      const index = at - (range?.[0] ?? 0);
      body.writeUInt8(body.readUInt8(index) ^ 1, index);
      return { ...answer, body };
    },
  );
}

/** Where image 6 has its packed bytes, and its header. */
const HEADER_AT = ZIP.indexOf(pathOf(6)) - 30;
const DATA_AT = HEADER_AT + 5_000;

/** Requests that ask for this byte. */
const asksFor = (at: number) => (ask: Parameters<Twist>[1]) =>
  ask.range !== undefined && ask.range[0] <= at && at < ask.range[1];

test.each([
  ['an image', DATA_AT],
  ['the header of an image', HEADER_AT + 14],
  ['the signature of a header', HEADER_AT],
  ['the length of a header', HEADER_AT + 29],
])('#217 fetches an image once more where a bit of %s was flipped on the way', async (_, at) => {
  const twists = [times(1, asksFor(at), flip(at))];
  const { dest, got, sentBytes } = await getFrom({ twists });
  expect(await got).toMatchObject({ published: WANTED.length, damagedMembers: [] });
  await expectImages(dest, WANTED);
  // One image more, and what a header that is said to be longer would need.
  expect(sentBytes()).toBeLessThan((WANTED.length + 4) * 110_000 + 66_000);
});

test('#218 lists an image that is damaged at the source, and publishes the others', async () => {
  const { dest, got } = await getFrom({ twists: [flip(DATA_AT)] });
  const good = WANTED.filter((n) => n !== 6);
  const result = await got;
  expect(result).toMatchObject({ published: good.length, error: { code: 'damaged-archive' } });
  expect(result.damagedMembers).toMatchObject([{ path: `images/ChestDx-1/${pathOf(6)}` }]);
  expect(result.error?.message).toContain('1 image is damaged at the source');
  await expectImages(dest, good);
  // Later the source has it right: that one alone is fetched.
  const later = await getFrom({ dest });
  expect(await later.got).toMatchObject({ published: 1, here: good.length });
  await expectImages(dest, WANTED);
});

test('#216 refuses an archive of which a header contradicts the directory', async () => {
  const { dest, got } = await getFrom({ twists: [flip(HEADER_AT + 14)] });
  await expect(got).rejects.toMatchObject({ code: 'unsafe-archive' });
  await expect(readdir(join(dest, 'images', 'ChestDx-1'))).rejects.toThrow('ENOENT');
});

test('gets images whose headers have long extra fields', async () => {
  const extra = Buffer.alloc(4 + 20_000);
  extra.writeUInt16LE(0x9999, 0);
  extra.writeUInt16LE(20_000, 2);
  const zip = buildZip(IMAGES.map((image) => ({ ...image, local: { extra } })));
  const { dest, got } = await getFrom({ zip });
  expect(await got).toMatchObject({ published: WANTED.length });
  await expectImages(dest, WANTED);
});

test('reads an archive of a local directory in its place, and keeps no bytes of it', async () => {
  const [root, dest] = [await tempDir(), join(await tempDir(), 'data')];
  const zip = Buffer.from(ZIP);
  zip.writeUInt8(zip.readUInt8(DATA_AT) ^ 1, DATA_AT);
  await writeFile(join(root, NAME), zip);
  const asked = { dest, source: root, manifest: manifestFor(zip), paths: WANTED.map(pathOf) };
  expect(await getImages(asked)).toMatchObject({
    published: WANTED.length - 1,
    damagedMembers: [{ path: `images/ChestDx-1/${pathOf(6)}` }],
  });
  await expectImages(
    dest,
    WANTED.filter((n) => n !== 6),
  );
  expect(await readdir(join(dest, '.ccxri'))).not.toContain('ranges');
});

describe('a run that is stopped', () => {
  /** Answers some requests for images, and then no other one. */
  function stopAfter(requests: number): { twist: Twist; stopped: Promise<void> } {
    let [seen, stop] = [0, () => {}];
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    const twist = when(
      ({ range, bytes }) =>
        range !== undefined && range[1] - range[0] > 90_000 && range[1] < bytes.length,
      (answer) => {
        seen += 1;
        if (seen <= requests) return answer;
        stop();
        return { ...answer, cutAt: 50_000, end: 'hang' };
      },
    );
    return { twist, stopped };
  }

  test('#220 keeps what was fetched before it was killed', async () => {
    // Enough for a flush, which happens every 2 MiB.
    const contents = Array.from({ length: 20 }, (_, n) => likeJpeg(noise(`b${n}`, 320_000)));
    const zip = buildZip(contents.map((content, n) => ({ name: pathOf(n), content })));
    const wanted = [0, 2, 4, 6, 8, 10, 12, 14, 16];
    const { twist, stopped } = stopAfter(8);
    const abort = new AbortController();
    const dying = await getFrom({ zip, twists: [twist], wanted, signal: abort.signal });
    dying.got.catch(() => undefined);
    await stopped;
    // What a kill leaves: nothing is said of the rest.
    const dest = join(await tempDir(), 'data');
    await mkdir(join(dest, '.ccxri'), { recursive: true });
    const [from, to] = [dying.dest, dest].map((each) => join(each, '.ccxri', 'ranges'));
    await expect.poll(() => readdir(from ?? '')).toContain(`${NAME}.json`);
    await cp(from ?? '', to ?? '', { recursive: true });
    abort.abort();
    await expect(dying.got).rejects.toMatchObject({ code: 'aborted' });
    const again = await getFrom({ zip, dest, wanted });
    expect(await again.got).toMatchObject({ published: wanted.length });
    // The whole archive once, to an odd request of its last bytes; of 9 images 6 were flushed.
    expect(again.sentBytes()).toBeLessThan(zip.length + 140_000 + 3 * 330_000);
  });

  test('leaves nothing open and nothing behind, and keeps what has come', async () => {
    const before = process.getActiveResourcesInfo();
    const { twist, stopped } = stopAfter(5);
    const abort = new AbortController();
    const run = await getFrom({ twists: [twist], signal: abort.signal });
    void stopped.then(() => abort.abort());
    await expect(run.got).rejects.toMatchObject({ code: 'aborted' });
    await expect
      .poll(() => extraResources(before).filter((name) => !name.startsWith('TCPS')))
      .toEqual([]);
    expect(await readdir(join(run.dest, '.ccxri', 'stage'))).toEqual([]);
    expect(await readdir(join(run.dest, 'images'))).toEqual([]);
    const again = await getFrom({ dest: run.dest });
    expect(await again.got).toMatchObject({ published: WANTED.length });
    // Of 13 images 5 were here.
    expect(again.sentBytes()).toBeLessThan(ZIP.length + 70_000 + 8 * 110_000);
  });
});

test.skipIf(!canMount)('says that the disk is full, and goes on once it is not', async () => {
  const disk = await mounts.small(1_500_000);
  const dest = join(disk, 'data');
  const { got } = await getFrom({ dest });
  await expect(got).rejects.toMatchObject({ code: 'disk-full' });
  expect(await readdir(join(dest, '.ccxri', 'stage'))).toEqual([]);
  remount(disk, 'size=16m');
  const again = await getFrom({ dest });
  expect(await again.got).toMatchObject({ published: WANTED.length });
  await expectImages(dest, WANTED);
});
