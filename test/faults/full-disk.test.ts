import { describeFullDisk } from './full-disk-suite.ts';

// A few of the many of test/long/: in the state, in the download, in the images, and enough.
describeFullDisk({
  kibibytes: [8, 120, 280, 900],
  inodes: [5, 12, 60],
  fileBytes: [200, 50_000, 1e6],
});
