import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { noise } from '../support/fetching.ts';
import { hasNginx } from '../support/nginx.ts';
import { type GroupEnd, useProcessGroups } from '../support/process-group.ts';
import { fromEnv, rounds } from '../support/rounds.ts';
import { makeStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';
import { useServedRelease } from './served-release.ts';

const tempDir = useTempDirs();
const start = useProcessGroups();

const KILLS = fromEnv('CCXRI_KILLS', rounds({ brief: 7, full: 60 }));

/** Archives of 2 to 6 MB, of several images each. */
const ARCHIVES = [3, 5, 4, 6, 2].map((images, n) => ({ name: `ChestDx-${n + 1}`, images }));
const served = useServedRelease(async (directory) => {
  const drawn = await drawNoise();
  return makeStandIn(directory, {
    archives: ARCHIVES,
    toJpeg: ({ archive, name }) => Buffer.concat([drawn, Buffer.from(`${archive}/${name}`)]),
  });
});

/** A JPEG of 1 MB, which can be decoded. */
async function drawNoise(): Promise<Buffer> {
  const raw = { width: 1100, height: 1000, channels: 1 } as const;
  const image = sharp(noise('one', 1_100_000), { raw }).toColourspace('b-w');
  return image.jpeg({ quality: 90 }).toBuffer();
}

/** Slow enough that there is a moment to kill it at. */
function fetchInto(dest: string, more: readonly string[]) {
  const { release, nginx } = served();
  const of = ['--subset', 'all', '--manifest', release.manifestPath, '--source', nginx.url];
  const how = ['--low-disk', '--limit-rate', '6M', '--ndjson', ...more];
  return start(['fetch', ...of, '--dest', dest, ...how]);
}

/** Archives of which there is something, whole or in part: at the worst moment so far. */
function watched(dest: string) {
  const { archives, partial } = layoutOf(dest);
  const seen = { most: 0, worst: [''] };
  const look = () => {
    const before = namesIn(archives);
    const parts = namesIn(partial);
    // What had gone by the time that the others were seen is not there with them: on a busy machine much happens
    // between two looks.
    const after = new Set(namesIn(archives));
    const names = [...parts, ...before.filter((name) => after.has(name))];
    const here = [...new Set(names.flatMap((name) => /^ChestDx-\d+/.exec(name)?.[0] ?? []))];
    if (here.length > seen.most) Object.assign(seen, { most: here.length, worst: here });
  };
  const timer = setInterval(look, 5);
  return { seen, end: () => clearInterval(timer) };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** All that a user sees, byte for byte. */
async function contentOf(dest: string): Promise<ReadonlyMap<string, string>> {
  const paths = (await listTree(dest)).filter((path) => /^(?!\.ccxri).*\.\w+$/.test(path));
  const read = paths.map(
    async (path) => [path, await readFile(join(dest, path), 'base64')] as const,
  );
  return new Map(await Promise.all(read));
}

function planMsOf({ told, elapsedMs }: GroupEnd): number {
  const times = told.flatMap((each) => ('time' in each ? [Date.parse(String(each.time))] : []));
  const plan = told.findIndex(({ event }) => event === 'plan');
  const last = times.at(-1) ?? 0;
  return Math.max(0, elapsedMs - (last - (times[plan] ?? last)));
}

describe.runIf(hasNginx)('fetch --low-disk in a process of its own', () => {
  it.each([
    ['as published', []],
    ['resized', ['--resize', '300']],
  ])(
    'comes to the same tree after SIGKILL at growing times, no third archive on the way: images %s',
    async (_, more) => {
      const root = await tempDir();
      const reference = await fetchInto(join(root, 'one'), more).ended;
      expect(reference.code, reference.stderr).toBe(0);
      const expected = await contentOf(join(root, 'one'));
      expect([...expected.keys()].filter((path) => path.startsWith('images/'))).toHaveLength(20);

      const dest = join(root, 'killed');
      const { seen, end } = watched(dest);
      const planMs = planMsOf(reference);
      // Each a little later than the last one, all together about as long as the undisturbed run.
      const step = (2 * (reference.elapsedMs - planMs)) / (KILLS * (KILLS + 1));
      let killed = 0;
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const run = fetchInto(dest, more);
        const timer = setTimeout(run.kill, planMs + kill * step);
        const { code, signal, stderr } = await run.ended;
        clearTimeout(timer);
        if (signal === 'SIGKILL') killed += 1;
        else expect(code, stderr).toBe(0);
      }
      const last = await fetchInto(dest, more).ended;
      end();
      expect(last.code, last.stderr).toBe(0);
      expect(killed).toBeGreaterThanOrEqual(KILLS / 2);
      expect(seen.most, seen.worst.join()).toBeLessThanOrEqual(2);
      expect(seen.most).toBeGreaterThan(0);
      expect(await contentOf(dest)).toEqual(expected);
      expect(namesIn(layoutOf(dest).archives)).toEqual([]);
      expect(namesIn(layoutOf(dest).partial)).toEqual([]);
      expect(namesIn(layoutOf(dest).stage)).toEqual([]);
      const deep = await start(['verify', '--deep', '--dest', dest, '--ndjson']).ended;
      expect(deep.code, deep.stderr).toBe(0);
    },
    300_000,
  );
});
