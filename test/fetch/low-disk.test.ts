import { readdirSync, statSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { PlanEvent, RunEvent } from '../../src/events.ts';
import { aboutBytesUnpacked } from '../../src/manifest/size.ts';
import { datasetStatus } from '../../src/status.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { flipped } from '../support/damaged.ts';
import {
  type Sample,
  destIn,
  manifestOf,
  run,
  sampleArchive,
  sampleLabels,
  toSample,
} from '../support/fetching.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useServedDirectory } from '../support/served.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const serve = useServedDirectory();

const labels = sampleLabels(
  'chest_dx.csv',
  lines(CHEST_HEADER, chestRow('patient1000_000.jpg', 'ChestDx-1', 'Mass')),
);
const named = (n: number) => `ChestDx-${n}.zip`;
const archives = (count: number, bytes = 100_000): Sample[] =>
  Array.from({ length: count }, (_, n) => sampleArchive(named(n + 1), { bytes: bytes + 500 * n }));
const sizesOf = (samples: readonly Sample[]) => samples.map(({ bytes }) => bytes.length);
const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
const twoLargest = (samples: readonly Sample[]) =>
  sum(
    sizesOf(samples)
      .sort((a, b) => b - a)
      .slice(0, 2),
  );

async function release(...samples: readonly Sample[]) {
  const directory = join(await tempDir(), 'release');
  await writeTree(directory, Object.fromEntries(samples.map(({ name, bytes }) => [name, bytes])));
  const { url } = await serve(directory);
  return { directory, manifest: manifestOf(...samples), sources: [`${url}{name}`] };
}

/** Looks at the disk at every event and, since no event tells of a piece that is written, all the time. */
function watched(dest: string) {
  const most = { bytes: 0, archives: 0 };
  const { archives: whole, partial } = layoutOf(dest);
  const look = () => {
    most.bytes = Math.max(most.bytes, sum([...filesIn(dest)].map(([, size]) => size)));
    const here = [whole, partial].flatMap((folder) => [...filesIn(folder)].map(([name]) => name));
    const names = here.flatMap((name) => /^ChestDx-\d+/.exec(name)?.[0] ?? []);
    most.archives = Math.max(most.archives, new Set(names).size);
  };
  const timer = setInterval(look, 20);
  const onEvent = ({ event }: RunEvent) => {
    if (/^(?:phase-start|phase-done|archive-removed)$/.test(event)) look();
  };
  return { most, onEvent, end: () => clearInterval(timer) };
}

function* filesIn(folder: string): Generator<readonly [name: string, bytes: number]> {
  for (const entry of list(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield [entry.name, sizeOrNone(path)];
  }
}

function list(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function sizeOrNone(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

const planIn = (events: readonly RunEvent[]) =>
  events.find((event): event is PlanEvent => event.event === 'plan');

/** The ledger, the index, and what else is no image. */
const SLACK_BYTES = 300_000;

describe('fetch with little disk', () => {
  it('never has more than two of 82 archives, nor more than the plan says', async () => {
    const samples = archives(82);
    const { manifest, sources } = await release(...samples, labels);
    const dest = destIn(await tempDir());
    const watch = watched(dest);
    const setup = { dest, manifest, sources, extract: true, lowDisk: true };
    const ran = await run({ ...setup, onEvent: watch.onEvent });
    watch.end();
    expect(ran.exit).toBe(0);
    expect(watch.most.archives).toBeLessThanOrEqual(2);
    const images = sum([...filesIn(layoutOf(dest).images)].map(([, size]) => size));
    expect(watch.most.bytes).toBeLessThanOrEqual(images + twoLargest(samples) + SLACK_BYTES);
    const { peak, bytesNeededOnDisk = 0 } = planIn(ran.events) ?? {};
    // Published sizes are rounded.
    expect((peak?.bytesOfArchives ?? 0) / twoLargest(samples)).toBeCloseTo(1, 1);
    expect(watch.most.bytes).toBeLessThanOrEqual((peak?.bytes ?? 0) + SLACK_BYTES);
    expect(bytesNeededOnDisk).toBe(peak?.bytes);
    expect(list(layoutOf(dest).archives)).toEqual([]);
    const verified = await verifyDataset({ dest, manifest, depth: 'deep' });
    expect(new Set(verified.outcomes.map(({ status }) => status))).toEqual(
      new Set(['crc-checked', 'verified']),
    );
    expect(sum(verified.outcomes.map(({ membersChecked }) => membersChecked))).toBe(164);
    const { files } = await datasetStatus({ dest, manifest });
    expect(new Set(files.map(({ status }) => status))).toEqual(new Set(['removed', 'verified']));
    const again = await run(setup);
    expect(new Set(again.outcomes)).toEqual(new Set(['skipped']));
    expect(again.result?.bytesDownloaded).toBe(0);
  }, 120_000);

  it('works off what earlier runs have left first: whole archives, then partial ones', async () => {
    const samples = archives(6);
    const { manifest, sources, directory } = await release(...samples);
    const dest = destIn(await tempDir());
    const whole = { files: ['ChestDx-2', 'ChestDx-5'] };
    await run({ dest, manifest, sources, selection: whole });
    const stalling = await serve(directory, { stallAfterBytes: 60_000 });
    const half = { sources: [`${stalling.url}{name}`], selection: { files: ['ChestDx-4'] } };
    await run({ dest, manifest, ...half, retries: 0, timeoutMs: 300 });
    expect(list(layoutOf(dest).partial)).not.toEqual([]);
    const order: string[] = [];
    const ran = await run({
      ...{ dest, manifest, sources, extract: true, lowDisk: true },
      onEvent: (event) => {
        if (event.event === 'archive-removed') order.push(event.file);
      },
    });
    expect(ran.exit).toBe(0);
    expect(order.slice(0, 3).sort()).toEqual([named(2), named(4), named(5)]);
    expect(order).toHaveLength(6);
    expect(ran.result?.outcomes.map(({ file }) => file)).toEqual(samples.map(({ name }) => name));
    // Two archives go on the way: that is room for the others.
    const [planned, all] = [planIn(ran.events), sum(sizesOf(samples))];
    expect(planned?.bytesNeededOnDisk).toBeLessThan(
      aboutBytesUnpacked(all) + twoLargest(samples) - 180_000,
    );
  });

  it('counts images exactly where it is known what an archive holds', async () => {
    const samples = archives(2);
    const { manifest, sources } = await release(...samples);
    const dest = destIn(await tempDir());
    const setup = { dest, manifest, sources, extract: true, lowDisk: true };
    await run(setup);
    const dry = await run({ ...setup, dryRun: true });
    const images = sum([...filesIn(layoutOf(dest).images)].map(([, size]) => size));
    expect(planIn(dry.events)?.peak).toEqual({
      bytes: images,
      about: false,
      bytesOfImages: images,
      bytesOfArchives: 0,
    });
  });

  it('keeps no wrong bytes, and one partial download at most', async () => {
    const samples = archives(6);
    const { manifest, sources, directory } = await release(...samples);
    const wrong = join(await tempDir(), 'wrong');
    await cp(directory, wrong, { recursive: true });
    for (const { name } of samples) {
      await writeFile(join(wrong, name), flipped(await readFile(join(wrong, name)), 5000));
    }
    const dest = destIn(await tempDir());
    const few = { dest, manifest, extract: true, lowDisk: true, retries: 0, timeoutMs: 300 };
    const bad = await run({ ...few, sources: [`${(await serve(wrong)).url}{name}`] });
    expect(new Set(bad.outcomes)).toEqual(new Set(['md5-mismatch']));
    expect(
      list(layoutOf(dest).bad)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(samples.map(({ name }) => `${name}.json`));
    const { url } = await serve(directory, { stallAfterBytes: 60_000 });
    const watch = watched(dest);
    const cut = await run({ ...few, sources: [`${url}{name}`], onEvent: watch.onEvent });
    watch.end();
    expect(cut.exit).toBe(4);
    expect(watch.most.archives).toBeLessThanOrEqual(2);
    expect(list(layoutOf(dest).partial).filter(({ name }) => name.endsWith('.part'))).toHaveLength(
      1,
    );
    expect((await run({ ...few, timeoutMs: 10_000, sources })).exit).toBe(0);
  });

  it('deletes nothing that could not be unpacked, and says so', async () => {
    const member = { name: '../patient1_000.jpg', content: 'x' };
    const unsafe = [7, 8, 9].map((n) =>
      toSample(named(n), buildZip([{ ...member, content: `${n}` }]), {
        kind: 'archive',
        category: 'ChestDx',
      }),
    );
    const { manifest, sources } = await release(...archives(3), ...unsafe);
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources, extract: true, lowDisk: true });
    expect(ran.exit).toBe(7);
    expect(list(layoutOf(dest).archives).map(({ name }) => name)).toEqual([7, 8, 9].map(named));
    const warnings = ran.events.filter((event) => event.event === 'warning');
    expect(warnings.map(({ message }) => message).join('\n')).toContain('more than planned');
  });

  it('is refused where nothing is extracted, or images are chosen', async () => {
    const { manifest, sources } = await release(...archives(1));
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources, extract: false, lowDisk: true });
    expect(ran.exit).toBe(2);
    expect(list(dest)).toEqual([]);
  });
});

describe.skipIf(!canMount)('on a small disk', () => {
  it('fits where images and two archives do, and without it is refused, or fills the disk', async () => {
    const samples = archives(12, 1_000_000);
    const { manifest, sources } = await release(...samples);
    const room = aboutBytesUnpacked(sum(sizesOf(samples))) + twoLargest(samples) + 1_000_000;
    const parent = await mounts.small(room);
    const dest = join(parent, 'cc-cxri');
    const setup = { dest, manifest, sources, extract: true };
    const plain = await run(setup);
    expect(plain.exit).toBe(6);
    expect(plain.error).toMatchObject({ code: 'disk-space' });
    expect((await run({ ...setup, confirmLowDisk: () => Promise.resolve(true) })).exit).toBe(6);
    await rm(dest, { recursive: true });
    await mkdir(parent, { recursive: true });
    // Asks nobody: the plan says that it fits.
    const ran = await run({ ...setup, lowDisk: true });
    expect(ran.outcomes).toEqual(samples.map(() => 'downloaded'));
    expect(ran.exit).toBe(0);
    expect((await listTree(dest)).filter((path) => path.startsWith('images/'))).toHaveLength(
      24 + 12,
    );
  }, 60_000);

  it('goes on after a stop at any moment, and has no more room than it needs', async () => {
    const samples = archives(8, 400_000);
    const { manifest, sources } = await release(...samples);
    const room = aboutBytesUnpacked(sum(sizesOf(samples))) + twoLargest(samples) + 1_000_000;
    const dest = join(await mounts.small(room), 'cc-cxri');
    const setup = { dest, manifest, sources, extract: true, lowDisk: true };
    for (const after of [12, 25, 40, 60]) {
      const stop = new AbortController();
      let seen = 0;
      const onEvent = () => {
        seen += 1;
        if (seen === after) stop.abort();
      };
      await run({ ...setup, signal: stop.signal, onEvent });
    }
    const last = await run(setup);
    expect(last.exit).toBe(0);
    const { outcomes } = await verifyDataset({ dest, manifest, depth: 'deep' });
    expect(outcomes.map(({ status }) => status)).toEqual(samples.map(() => 'crc-checked'));
  }, 60_000);
});
