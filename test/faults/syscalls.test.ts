import type { FaultKind } from '../support/fault-runs.ts';
import { LEVEL } from '../support/rounds.ts';
import { describeFaults } from './syscall-suite.ts';

const DISK = [6];
const FINE = [0];
/** Resolved links are a convenience: where they can't be kept, that is no failure. */
const LINKS = /^\w+ \.ccxri(?:\/\.links\.json\.\*\.tmp)? #/;

/**
 * A disk that reports a write and has lost it: it is found when the bytes are read back. A part is
 * downloaded again, an image is an error of the disk.
 */
const LOST_WRITE: FaultKind = {
  ...{ call: 'pwrite64,pwritev', how: 'retval=100' },
  ...{ codes: FINE, codesOfImages: DISK, codesOfTwo: [3] },
};

/** Everywhere: the ways that differ in what follows. At three points: those that are treated alike. */
const FAULTS: readonly FaultKind[] = [
  ...everywhere('pwrite64,pwritev', ['ENOSPC', 'EIO']),
  ...briefly('pwrite64,pwritev', ['EDQUOT', 'EFBIG']),
  LOST_WRITE,
  ...everywhere('fsync', ['EIO']),
  ...briefly('fsync', ['ENOSPC', 'EDQUOT']),
  // A file system that cannot flush.
  { call: 'fsync', how: 'error=EINVAL', codes: FINE, isBrief: true },
  ...everywhere('fdatasync', ['EIO']),
  ...briefly('fdatasync', ['ENOSPC']),
  ...everywhere('rename', ['EIO', 'EXDEV']),
  ...briefly('rename', ['ENOSPC', 'EACCES']),
  ...everywhere('link', ['EIO', 'ENOSPC']),
  // A file system without hard links.
  { call: 'link', how: 'error=EPERM', codes: FINE },
  // So say Windows, of exFAT, and of a directory to flush.
  { call: 'link', how: 'error=EISDIR', codes: FINE, isBrief: true },
  { call: 'fsync', how: 'error=EPERM', codes: FINE, isBrief: true },
  { call: 'link', how: 'error=EXDEV', codes: [0, 6] },
  ...everywhere('ftruncate', ['EIO']),
  { call: 'unlink', how: 'signal=KILL', codes: [] },
  { call: 'mkdir', how: 'signal=KILL', codes: [] },
  // Of a folder that is there already, nobody asks.
  { call: 'mkdir', how: 'error=ENOSPC', codes: [0, 6], isBrief: true },
  // What is short of a file waits for one, and goes on.
  { call: 'openat', how: 'error=EMFILE', codes: [0, ...DISK], isBrief: true, mayPass: LINKS },
  // ENOSPC of small writes is what a disk that fills up says: full-disk.test.ts.
  { call: 'write', how: 'error=EIO', codes: DISK, mayPass: LINKS, runs: 12 },
  { call: 'write', how: 'retval=10', codes: [0, 6], mayPass: LINKS, runs: 12 },
];

function everywhere(call: string, errors: readonly string[]): readonly FaultKind[] {
  const hows = ['signal=KILL', ...errors.map((error) => `error=${error}`)];
  return hows.map((how) => ({ call, how, codes: DISK, mayPass: LINKS }));
}

function briefly(call: string, errors: readonly string[]): readonly FaultKind[] {
  return errors.map((error) => ({
    ...{ call, how: `error=${error}`, codes: DISK },
    ...{ isBrief: true, mayPass: LINKS },
  }));
}

if (LEVEL === 'full') {
  describeFaults({ kinds: FAULTS });
  // More than a checkpoint: it is flushed on the way, and its state written behind that.
  describeFaults({
    kinds: [...everywhere('fdatasync', ['EIO']), { call: 'rename', how: 'signal=KILL', codes: [] }],
    totalBytes: 10_500_000,
  });
} else {
  const first = ({ runs, ...kind }: FaultKind): FaultKind =>
    runs === undefined ? { ...kind, isBrief: true } : { ...kind, isBrief: true, runs: 3 };
  describeFaults({ kinds: FAULTS.map(first) });
}
