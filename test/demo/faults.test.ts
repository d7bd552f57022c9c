import { expect, it } from 'vitest';
import { Faults } from '../../src/demo/faults.ts';
import type { RunEvent } from '../../src/events.ts';

const BYTES = 9000;
const CUT = 'ChestDx-1.zip';
const FLIPPED = 'ChestDx-2.zip';
const answer = (name: string, fromByte = 0) => ({
  name,
  fromByte,
  bytes: BYTES - fromByte,
  totalBytes: BYTES,
});
const nothing = { toExtract: 0, alreadyDone: 0, toRemove: 0, bytesToRemove: 0, about: false };
const sizes = { bytesToDownload: 0, bytesNeededOnDisk: 0, bytesFreeOnDisk: null };

const downloaded = (file: string): RunEvent => ({
  event: 'file-done',
  file,
  status: 'verified',
  did: 'downloaded',
});
const wrong: RunEvent = {
  event: 'retry',
  file: FLIPPED,
  attempt: 1,
  delayMs: 0,
  keptBytes: 0,
  error: { code: 'md5-mismatch', message: 'wrong', expected: 'MD5 a', found: 'MD5 b' },
};

/** The first archive has been cut and is held, the second one was served with a flipped bit. */
function underWay(toDownload: number) {
  const caught: string[] = [];
  let interruptions = 0;
  const faults = new Faults(
    (event) => {
      if (event.event === 'caught') caught.push(event.fault);
    },
    () => void (interruptions += 1),
  );
  faults.handle({ event: 'plan', files: toDownload, toDownload, ...nothing, ...sizes, work: [] });
  expect(faults.faultOf(answer(CUT))?.kind).toBe('cut');
  expect(faults.faultOf(answer(FLIPPED))?.kind).toBe('flip');
  const held = faults.faultOf(answer(CUT, 3000));
  expect(held?.kind).toBe('hold');
  held?.onReached?.();
  return { faults, caught, interruptions: () => interruptions };
}

it('the fetch is not interrupted before the flipped bit is put right, however many files are whole', () => {
  const { faults, caught, interruptions } = underWay(9);
  for (const n of [3, 4, 5, 6]) faults.handle(downloaded(`ChestDx-${n}.zip`));
  faults.handle(wrong);
  expect([caught, interruptions()]).toEqual([['cut'], 0]);
  faults.handle(downloaded(FLIPPED));
  expect([caught, interruptions()]).toEqual([['cut', 'flip'], 1]);
  // Once each.
  faults.handle(downloaded(FLIPPED));
  expect([caught, interruptions()]).toEqual([['cut', 'flip'], 1]);
});

it('nor before three files are whole', () => {
  const { faults, interruptions } = underWay(9);
  faults.handle(wrong);
  for (const name of [FLIPPED, 'ChestDx-3.zip']) faults.handle(downloaded(name));
  expect(interruptions()).toBe(0);
  faults.handle(downloaded('ChestDx-4.zip'));
  expect(interruptions()).toBe(1);
});

it('it is interrupted where the held file is the only one left', () => {
  const { faults, interruptions } = underWay(2);
  faults.handle(downloaded('ChestDx-3.zip'));
  expect(interruptions()).toBe(1);
});
