import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { type Sample, manifestOf, noise, toSample } from '../support/fetching.ts';
import { type GroupRun, summaryOf, useProcessGroups } from '../support/process-group.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const MOST_BYTES = 250e6;
/** As directory-bytes.ts has them. */
const [MAX_ENTRIES, MAX_DIRECTORY_BYTES] = [70_000, 6 * 1024 ** 2];

const tempDir = useTempDirs();
const start = useProcessGroups();

/** As many empty members as pass, with names as long as pass: nothing but directory. */
function allDirectory(): Buffer {
  const nameBytes = Math.floor(MAX_DIRECTORY_BYTES / MAX_ENTRIES) - 46;
  const members = Array.from({ length: MAX_ENTRIES }, (_, i) => ({
    name: `${i}-`.padEnd(nameBytes, 'x'),
    method: 0,
  }));
  return buildZip(members, { zip64: true });
}

const ALL_DIRECTORY = allDirectory();

/** The command line that checks all of them. */
async function verifyOf(samples: readonly Sample[]): Promise<readonly string[]> {
  const dest = await tempDir();
  const { archives } = layoutOf(dest);
  await mkdir(archives);
  for (const { name, bytes } of samples) await writeFile(join(archives, name), bytes);
  const manifest = join(dest, 'manifest.json');
  await writeFile(manifest, JSON.stringify(manifestOf(...samples)));
  return ['verify', '--deep', '--dest', dest, '--manifest', manifest, '--ndjson'];
}

async function peakOf(
  run: GroupRun,
  look: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const ended = run.ended.then(() => true);
  do await Promise.all([run.peakBytes(), look()]);
  while (!(await Promise.race([ended, sleep(20, false)])));
  return run.peakBytes();
}

it.each([1, 4])('%i archives that are nothing but directory are no burden', async (count) => {
  const samples = Array.from({ length: count }, (_, n) =>
    toSample(`ChestDx-${n + 1}.zip`, ALL_DIRECTORY, { kind: 'archive', category: 'ChestDx' }),
  );
  const run = start(await verifyOf(samples));
  const peakBytes = await peakOf(run);
  const end = await run.ended;
  expect(end.code).toBe(0);
  expect(summaryOf(end)).toMatchObject({ counts: { verified: count } });
  console.log(`${count} of ${MAX_ENTRIES} members: ${Math.round(peakBytes / 1e6)} MB at most`);
  expect(peakBytes).toBeLessThan(MOST_BYTES);
});

/** Makes Node say that there are 32 processors. */
const MANY_PROCESSORS = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
os.availableParallelism = () => 32; syncBuiltinESMExports();`;

/** Of the process and its like: those that hash and unpack, libuv's and V8's. */
const MOST_THREADS = 22;

async function threadsOf({ pid }: GroupRun): Promise<number> {
  return (await readdir(`/proc/${pid}/task`).catch(() => [])).length;
}

it.each([
  { what: 'hash', archives: 40, images: 12, imageBytes: 1_000_000 },
  { what: 'unpack', archives: 16, images: 100, imageBytes: 300_000 },
])('32 processors take no more memory than few ($what)', async (given) => {
  const content = noise('image', given.imageBytes);
  const members = Array.from({ length: given.images }, (_, i) => ({ name: `${i}.jpg`, content }));
  const bytes = buildZip(members);
  const samples = Array.from({ length: given.archives }, (_, n) =>
    toSample(`ChestDx-${n + 1}.zip`, bytes, { kind: 'archive', category: 'ChestDx' }),
  );
  const preload = `data:text/javascript;base64,${Buffer.from(MANY_PROCESSORS).toString('base64')}`;
  const env = { NODE_OPTIONS: `--import=${preload}` };
  const run = start(await verifyOf(samples), { env });
  let peakThreads = 0;
  const peakBytes = await peakOf(run, async () => {
    peakThreads = Math.max(peakThreads, await threadsOf(run));
  });
  expect((await run.ended).code).toBe(0);
  console.log(
    `32 processors, ${given.what}: ${Math.round(peakBytes / 1e6)} MB, ${peakThreads} threads at most`,
  );
  expect(peakBytes).toBeLessThan(MOST_BYTES);
  expect(peakThreads).toBeLessThanOrEqual(MOST_THREADS);
});
