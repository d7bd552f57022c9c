import { closeSync, mkdirSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bytesOf, makeRelease } from '../support/adopting.ts';
import { summaryOf, useProcessGroups } from '../support/process-group.ts';
import { rounds } from '../support/rounds.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const start = useProcessGroups();
const release = makeRelease();

/** Half of them in one directory, the others in hundreds. */
function makeMany(held: string, count: number): void {
  for (let at = 0; at < count; at += 1) {
    const folder = at % 2 === 0 ? 'flat' : `d${at % 500}`;
    if (at < 1000) mkdirSync(join(held, folder), { recursive: true });
    closeSync(openSync(join(held, folder, `a file with a name of its own ${at}.txt`), 'w'));
  }
}

async function adoptAmong(count: number) {
  const root = await tempDir();
  const held = join(root, 'held');
  await writeTree(held, { 'z/x.zip': bytesOf(release, 'ChestDx-1') });
  await writeFile(join(root, 'manifest.json'), JSON.stringify(release.manifest));
  makeMany(held, count);
  const of = ['--dest', join(root, 'set'), '--manifest', join(root, 'manifest.json')];
  const run = start(['adopt', held, ...of, '--ndjson']);
  const sampling = setInterval(() => void run.peakBytes(), 20);
  const end = await run.ended;
  clearInterval(sampling);
  const looked = end.told.flatMap((told) => (told.event === 'looked' ? [told.files] : []));
  return { end, looked, peakMb: (await run.peakBytes()) / 1e6 };
}

it('a folder with very many other files is looked through in bounded memory, and it is told how far', async () => {
  const few = await adoptAmong(1000);
  const count = rounds({ brief: 100_000, full: 1_000_000 });
  const { end, looked, peakMb } = await adoptAmong(count);
  expect(summaryOf(end)).toMatchObject({
    exitCode: 0,
    counts: { adopted: 1, left: 0 },
    result: { filesSeen: count + 1, filesHashed: 1 },
  });
  console.log(
    `${count} files: ${peakMb.toFixed(0)} MB, of 1000 ${few.peakMb.toFixed(0)} MB; told ${looked.length} times, ${(end.elapsedMs / 1000).toFixed(1)} s`,
  );
  // Names alone of a million files would take some 200 MB; what is young and not collected yet takes 50.
  expect(peakMb - few.peakMb).toBeLessThan(80);
  expect(looked.at(0)).toBeLessThan(count);
  expect(looked).toContain(count + 1);
});
