/**
 * Unpacks an archive, and dies without a word: once so many files are there, or at an event. In
 * threads, if the last argument says so.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { extractArchive } from '../../src/extract/archive.ts';
import { UnpackPool } from '../../src/zip/unpack-pool.ts';

const [root = '', archivePath = '', name = '', md5 = '', when = '1', how] = process.argv.slice(2);
const unpackPool = how === 'threads' ? new UnpackPool({ threads: 2, minBytes: 0 }) : undefined;
const layout = layoutOf(root);
const before = new Set(listStages());

function listStages(): readonly string[] {
  return list(layout.stage);
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function dieWhenThere(): void {
  for (const stage of listStages()) {
    if (before.has(stage)) continue;
    const made = list(join(layout.stage, stage, 'images'));
    if (made.length >= Number(when)) process.kill(process.pid, 'SIGKILL');
  }
}

const timer = setInterval(dieWhenThere, 1);
await extractArchive(
  { name, md5, path: archivePath },
  {
    layout,
    ledger: new Ledger(layout.ledger),
    unpackPool,
    onEvent: ({ event }) => {
      if (event === when) process.kill(process.pid, 'SIGKILL');
      dieWhenThere();
    },
    clock: systemClock,
  },
);
clearInterval(timer);
await unpackPool?.close();
