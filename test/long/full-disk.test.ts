import { describeFullDisk } from '../faults/full-disk-suite.ts';

const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step);

describeFullDisk({
  kibibytes: range(4, 480, 16),
  inodes: range(2, 28, 1),
  // Around the length of each file of a run: lock, state, ledger, index, images, archive.
  fileBytes: [0, 100, 190, 230, 260, 280, 300, 400, 2000, 70_000, 76_000, 200_000, 1e6],
});
