import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PartFile } from '../../src/download/part-file.ts';
import { CHECKPOINT_BYTES, PartJournal } from '../../src/download/part-journal.ts';
import { writeFully } from '../../src/download/writer.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** A part whose writes begin when they are let. */
async function heldPart(): Promise<{ part: PartFile; letWrite: () => void }> {
  let letWrite: () => void = () => undefined;
  const isLet = new Promise<void>((resolve) => {
    letWrite = resolve;
  });
  const path = join(await tempDir(), 'a.zip.0123456789ab.part');
  const identity = { name: 'a.zip', md5: 'a'.repeat(32), owner: null };
  const part = await PartFile.create(path, identity, {
    write: async (handle, chunks, at) => {
      await isLet;
      await writeFully(handle, chunks, at);
    },
  });
  return { part, letWrite };
}

it('a part is closed when its writes have ended: its number may be another file’s then', async () => {
  const { part, letWrite } = await heldPart();
  const write = part.write(Buffer.from('abc'), part.bytes);
  const close = part.close();
  await turn();
  letWrite();
  await expect(write).resolves.toBeUndefined();
  await close;
  expect(await readFile(part.path, 'utf8')).toBe('abc');
});

it('a part starts over when its writes have ended: none of the old bytes comes after that', async () => {
  const { part, letWrite } = await heldPart();
  const write = part.write(Buffer.from('abc'), part.bytes);
  const restart = part.restart();
  await turn();
  letWrite();
  await Promise.all([write, restart]);
  expect(await readFile(part.path, 'utf8')).toBe('');
  await part.close();
});

it('what waits for a flush is not written any more to a part that is closed', async () => {
  let letFlush: () => void = () => undefined;
  const isLet = new Promise<void>((resolve) => {
    letFlush = resolve;
  });
  const journal = new PartJournal([], () => isLet, performance.now.bind(performance));
  await journal.record([0, CHECKPOINT_BYTES], () => Promise.resolve());
  let isWritten = false;
  const late = journal.record([CHECKPOINT_BYTES, CHECKPOINT_BYTES + 1], () => {
    isWritten = true;
    return Promise.resolve();
  });
  const outcome = expect(late).rejects.toThrow('the part is closed');
  const closed = journal.close();
  letFlush();
  await Promise.all([outcome, closed]);
  expect(isWritten).toBe(false);
});
