import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { layoutOf } from '../../src/disk/layout.ts';
import { useTempDirs } from '../support/csv.ts';
import { manifestOf, noise, toSample, type Sample } from '../support/fetching.ts';
import { summaryOf, useProcessGroups, type GroupRun } from '../support/process-group.ts';
import { buildZip } from '../support/zip-builder.ts';

const MOST_BYTES = 250e6;
/** As directory-bytes.ts has them. */
const [MAX_ENTRIES, MAX_DIRECTORY_BYTES] = [70_000, 6 * 1024 ** 2];

const tempDir = useTempDirs();
const start = useProcessGroups();

/** As many empty members as pass, with names as long as pass: nothing but directory. */
function allDirectory(n: number): Buffer {
  const nameBytes = Math.floor(MAX_DIRECTORY_BYTES / MAX_ENTRIES) - 46;
  const members = Array.from({ length: MAX_ENTRIES }, (_, i) => ({
    name: `${n}-${i}-`.padEnd(nameBytes, 'x'),
    method: 0,
  }));
  return buildZip(members, { zip64: true });
}

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

async function peakOf(run: GroupRun): Promise<number> {
  const ended = run.ended.then(() => true);
  do await run.peakBytes();
  while (!(await Promise.race([ended, sleep(20, false)])));
  return run.peakBytes();
}

it.each([1, 4])('%i archives that are nothing but directory are no burden', async (count) => {
  const samples = Array.from({ length: count }, (_, n) =>
    toSample(`ChestDx-${n + 1}.zip`, allDirectory(n), { kind: 'archive', category: 'ChestDx' }),
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

it('a machine with 32 processors takes no more memory than others', async () => {
  const content = noise('large image', 1_000_000);
  const bytes = buildZip(Array.from({ length: 12 }, (_, i) => ({ name: `${i}.jpg`, content })));
  const samples = Array.from({ length: 40 }, (_, n) =>
    toSample(`ChestDx-${n + 1}.zip`, bytes, { kind: 'archive', category: 'ChestDx' }),
  );
  const preload = `data:text/javascript;base64,${Buffer.from(MANY_PROCESSORS).toString('base64')}`;
  const env = { NODE_OPTIONS: `--import=${preload}` };
  const run = start(await verifyOf(samples), { env });
  const peakBytes = await peakOf(run);
  expect((await run.ended).code).toBe(0);
  console.log(`32 processors: ${Math.round(peakBytes / 1e6)} MB at most`);
  expect(peakBytes).toBeLessThan(MOST_BYTES);
});
