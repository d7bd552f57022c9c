import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMemberIndex, writeMemberIndex } from '../../src/dataset/member-index.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { listMembers } from '../../src/members/list-members.ts';
import type { MembersOptions } from '../../src/members/types.ts';
import { useCountingServers } from '../support/counting-server.ts';
import { fastClock } from '../support/clock.ts';
import {
  manifestOf,
  md5Of,
  noise,
  sampleLabels,
  toSample,
  type Sample,
} from '../support/fetching.ts';
import { oddServer } from '../support/odd-server.ts';
import { useRawServers } from '../support/raw-server.ts';
import { having } from '../support/matchers.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const serve = useCountingServers();
const raw = useRawServers();

const LABELS =
  'Consolidation,Fibrosis,Nodule,Hernia,Atelectasis,Pneumothorax,Edema,Pneumonia,Emphysema,Effusion,Infiltration,Pleural_thickening,Mass,Cardiomegaly,No_finding';
const BITS = '0,0,0,1,0,0,0,0,0,0,0,0,0,0,0';

/** As large as the directories of the release, whose archives are far larger. */
const IMAGES = 2300;

function archive(n: number, images: number): Sample {
  const zip = buildZip([
    ...Array.from({ length: images }, (_, image) => ({
      name: `ChestDx-${n}/patient${n}${String(image).padStart(7, '0')}_000.jpg`,
      content: likeJpeg(noise(`${n} ${image}`, 300)),
      method: 0,
    })),
    { name: `ChestDx-${n}/notes.txt`, content: 'no image' },
  ]);
  return toSample(`ChestDx-${n}.zip`, zip, { kind: 'archive', category: 'ChestDx' });
}

const ARCHIVES = [archive(1, IMAGES), archive(2, 50)] as const;

function labelsOf(skipped: string, ...more: readonly string[]): Sample {
  const rows = [1, 2].flatMap((n) =>
    Array.from({ length: n === 1 ? IMAGES : 50 }, (_, image) => {
      return `patient${n}${String(image).padStart(7, '0')}_000.jpg,ChestDx-${n},${BITS}\n`;
    }),
  );
  const kept = rows.filter((row) => !row.startsWith(skipped));
  return sampleLabels('chest_dx.csv', `image,zip,${LABELS}\n${kept.join('')}${more.join('')}`);
}

const RIGHT = labelsOf('none');

async function setUp(labels = RIGHT) {
  const root = await tempDir();
  for (const { name, bytes } of [...ARCHIVES, labels]) await writeFile(join(root, name), bytes);
  const server = await serve(root);
  const dest = join(await tempDir(), 'data');
  const manifest = manifestOf(...ARCHIVES, labels);
  const options = { dest, manifest, sources: [`${server.url}/{name}`], clock: fastClock() };
  return { root, server, options };
}

const sourceless = (options: MembersOptions) => ({ ...options, sources: ['http://127.0.0.1:9/'] });

describe('what archives hold', () => {
  it('is had for a few requests and bytes each, and asks nobody the second time', async () => {
    const { server, options } = await setUp();
    const { archives, remarks, bytesDownloaded } = await listMembers(options);
    expect(remarks).toEqual([]);
    expect(archives).toMatchObject([
      { file: 'ChestDx-1.zip', from: 'server', members: 2301, images: 2300, imagesWithoutRow: 0 },
      { file: 'ChestDx-2.zip', from: 'server', members: 51, images: 50, rowsWithoutImage: 0 },
    ]);
    for (const { name, bytes } of ARCHIVES) {
      const { requests, bodyBytes } = server.of(name);
      expect(requests).toBeLessThanOrEqual(3);
      const directory = bytes.length - bytes.readUInt32LE(bytes.length - 6);
      expect(bodyBytes).toBeLessThanOrEqual(Math.max(directory, 65_557));
    }
    expect(bytesDownloaded).toBeGreaterThan(0);
    const before = server.total();
    const second = await listMembers(sourceless(options));
    expect(server.total()).toEqual(before);
    expect(second.bytesDownloaded).toBe(0);
    expect(second.archives.map(({ from }) => from)).toEqual(['index', 'index']);
    const asBefore = archives.map((each) => ({ ...each, from: 'index' }));
    expect(second.archives).toEqual(asBefore);
  });

  it('is read once more where the index is damaged, or of another release', async () => {
    const { options } = await setUp();
    await listMembers(options);
    await writeFile(join(layoutOf(options.dest).members, 'ChestDx-1.json'), '{}');
    const { archives } = await listMembers(options);
    expect(archives.map(({ from }) => from)).toEqual(['server', 'index']);
  });

  it('is read once more where the index was received wrongly, which labels show', async () => {
    const { options } = await setUp();
    await listMembers(options);
    const layout = layoutOf(options.dest);
    const [{ name, bytes }] = ARCHIVES;
    const md5 = md5Of(bytes);
    const index = await readMemberIndex(layout, { name, md5 });
    if (index === undefined) throw new Error('no index');
    const [first, ...others] = index.listing.members;
    if (first === undefined) throw new Error('no member');
    const wrong = [{ ...first, name: first.name.replace('patient', 'batient') }, ...others];
    const listing = { ...index.listing, members: wrong };
    await writeMemberIndex(layout, { name, md5 }, { ...index, listing });
    const offline = await listMembers(sourceless(options));
    expect(offline.archives[0]).toMatchObject({ from: 'index', rowsWithoutImage: 1 });
    expect(offline.remarks).not.toEqual([]);
    const { archives, remarks } = await listMembers(options);
    expect(remarks).toEqual([]);
    expect(archives.map(({ from }) => from)).toEqual(['server', 'index']);
    expect((await listMembers(sourceless(options))).remarks).toEqual([]);
  });

  it('is read of local archives, with no index of them', async () => {
    const { root, options } = await setUp();
    const { archives } = await listMembers({ ...options, sources: [root] });
    expect(archives.map(({ from }) => from)).toEqual(['directory', 'directory']);
    expect(await listTree(options.dest)).not.toContain('.ccxri/members/ChestDx-1.json');
  });

  it('is found out by a dry run as well, which writes nothing', async () => {
    const { options } = await setUp();
    const { archives } = await listMembers({ ...options, dryRun: true });
    expect(archives).toMatchObject([{ images: 2300, imagesWithoutRow: 0 }, { images: 50 }]);
    expect(await listTree(join(options.dest, '..'))).toEqual([]);
  });

  it('is told of a selection alone', async () => {
    const { server, options } = await setUp();
    const { archives } = await listMembers({ ...options, selection: { files: ['ChestDx-2'] } });
    expect(archives.map(({ file }) => file)).toEqual(['ChestDx-2.zip']);
    expect(server.of('ChestDx-1.zip').requests).toBe(0);
    expect(archives[0]?.list).toBeUndefined();
    const listed = await listMembers({ ...options, list: true });
    expect(listed.archives[1]?.list?.[0]).toMatchObject({
      ...{ path: 'patient20000000_000.jpg', bytes: likeJpeg(noise('2 0', 300)).length },
    });
  });
});

it('is the same of servers behind one address that have a validator each', async () => {
  const [{ bytes, name }] = ARCHIVES;
  const odd = oddServer({
    bytes,
    twists: [],
    validators: { nodes: 3, etag: (node) => `"node ${node}"` },
  });
  const { url } = await raw(odd.script);
  const dest = join(await tempDir(), 'data');
  const manifest = manifestOf(ARCHIVES[0]);
  const options = { dest, manifest, sources: [`${url}/{name}`], clock: fastClock() };
  const { archives } = await listMembers(options);
  expect(archives).toMatchObject([{ file: name, from: 'server', images: 2300 }]);
  expect(archives[0]?.error).toBeUndefined();
});

it('is that of the new archive, where it is replaced meanwhile', async () => {
  const [{ bytes }] = ARCHIVES;
  const newer = Buffer.from(bytes);
  newer.set(Buffer.from('patient9'), newer.lastIndexOf('patient1'));
  let replaced = false;
  const script = (of: Buffer, etag: string) =>
    oddServer({ bytes: of, twists: [], validators: { etag: () => etag } }).script;
  const [before, after] = [script(bytes, '"old"'), script(newer, '"new"')];
  const { url } = await raw((request, reply) => {
    const isFirst = request.headers['range'] === 'bytes=-65557' && !replaced;
    replaced = replaced || isFirst;
    return isFirst ? before(request, reply) : after(request, reply);
  });
  const dest = join(await tempDir(), 'data');
  const manifest = manifestOf(ARCHIVES[0]);
  await listMembers({ dest, manifest, sources: [`${url}/{name}`], clock: fastClock() });
  const kept = await readMemberIndex(layoutOf(dest), manifest.files[0]!);
  expect(kept).toMatchObject({ validator: '"new"' });
  expect(kept?.listing.members.some(({ path }) => path.startsWith('patient9'))).toBe(true);
});

describe('where directories and labels do not agree', () => {
  it('rows without an image, images without a row, and rows of no archive are told', async () => {
    const labels = labelsOf(
      'patient20000003',
      `patient9_000.jpg,ChestDx-1,${BITS}\n`,
      `patient8_000.jpg,ChestDx-7,${BITS}\n`,
    );
    const { options } = await setUp(labels);
    const messages: string[] = [];
    const { archives, remarks } = await listMembers({
      ...options,
      onEvent: (event) => {
        if (event.event === 'warning') messages.push(event.message);
      },
    });
    expect(archives).toMatchObject([
      { imagesWithoutRow: 0, rowsWithoutImage: 1 },
      { imagesWithoutRow: 1, rowsWithoutImage: 0 },
    ]);
    expect(remarks).toEqual([
      having({ kind: 'unknown-archive', count: 1 }),
      having({ kind: 'image-without-row', examples: ['ChestDx-2/patient20000003_000.jpg'] }),
      having({ kind: 'row-without-image', examples: ['ChestDx-1/patient9_000.jpg'] }),
    ]);
    expect(messages).toHaveLength(3);
  });

  it('nothing is compared where the label file can not be had', async () => {
    const { root, options } = await setUp();
    await rm(join(root, 'chest_dx.csv'));
    const { archives } = await listMembers({ ...options, retries: 0 });
    expect(archives).toMatchObject([{ images: 2300, imagesWithoutRow: null }, { images: 50 }]);
  });
});

describe('what goes wrong', () => {
  it('is the error of one archive, and the others are listed', async () => {
    const { root, options } = await setUp();
    await writeFile(join(root, 'ChestDx-2.zip'), noise('no zip', ARCHIVES[1].bytes.length));
    const { archives } = await listMembers(options);
    expect(archives).toMatchObject([
      { file: 'ChestDx-1.zip', images: 2300 },
      { file: 'ChestDx-2.zip', from: null, images: null, error: { code: 'damaged-archive' } },
    ]);
  });

  it('a source that serves no ranges is named', async () => {
    const { server, options } = await setUp();
    server.refuseRanges();
    const { archives } = await listMembers(options);
    // The other one is shorter than what is asked for to begin with.
    expect(archives.map(({ error }) => error?.code)).toEqual(['ranges-refused', undefined]);
  });
});
