import { LEVEL } from '../support/rounds.ts';
import { describeFullDisk } from './full-disk-suite.ts';

const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step);

describeFullDisk(
  LEVEL === 'full'
    ? {
        kibibytes: range(4, 480, 16),
        inodes: range(2, 28, 1),
        // Around the length of each file of a run: lock, state, ledger, index, images, archive.
        fileBytes: [0, 100, 190, 230, 260, 280, 300, 400, 2000, 70_000, 76_000, 200_000, 1e6],
      }
    : // In the state, in the download, in the images, and enough.
      {
        kibibytes: [8, 120, 280, 900],
        inodes: [5, 12, 60],
        fileBytes: [200, 50_000, 1e6],
      },
);
