import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** What the errno of a failed disk operation means, where it is the disk's. */
export const DISK_CODES: Readonly<Record<string, 'disk-full' | 'not-writable' | 'disk-io'>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  EROFS: 'not-writable',
  ENOTDIR: 'not-writable',
  // In use by another program: on Windows any file that one has open.
  EBUSY: 'not-writable',
  EIO: 'disk-io',
  ENAMETOOLONG: 'disk-io',
  // Renamed in one directory: only a layered file system says so.
  EXDEV: 'disk-io',
  // A network share or a disk that went away, or is broken.
  ENODEV: 'disk-io',
  ENOTCONN: 'disk-io',
  ENXIO: 'disk-io',
  EREMOTEIO: 'disk-io',
  // What libuv has no name for on Windows: a file of a cloud that can't be reached, or that was found infected.
  UNKNOWN: 'disk-io',
  ESTALE: 'disk-io',
};

/** A limit that the system sets to a process, or to all of them. */
export interface Limit {
  /** What happened, as a clause. */
  readonly said: string;
  /** What a user can do, as a clause. */
  readonly advice: string;
}

const MEMORY: Limit = {
  said: 'there is no memory left',
  advice: 'close other programs, or allow more memory (ulimit -v, the limit of the container)',
};
const THREADS: Limit = {
  said: 'no more threads may be started',
  advice: 'allow more of them (ulimit -u, the limit of the container)',
};

/** By the errno, or the code of Node. */
const LIMITS: Readonly<Record<string, Limit>> = {
  EMFILE: {
    said: 'too many files and connections are open',
    advice: 'allow more of them with `ulimit -n 1024`',
  },
  ENFILE: {
    said: 'too many files are open on this machine',
    advice: 'close other programs',
  },
  ENOMEM: MEMORY,
  ERR_WORKER_OUT_OF_MEMORY: MEMORY,
  ERR_MEMORY_ALLOCATION_FAILED: MEMORY,
  ERR_WORKER_INIT_FAILED: THREADS,
};

/** undefined: the code is of something else. */
export function limitOf(code: string | undefined): Limit | undefined {
  return code !== undefined && Object.hasOwn(LIMITS, code) ? LIMITS[code] : undefined;
}

/** Whether a file could be opened once others are closed. */
export function isOfOpenFiles(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** Whether a file system takes no more files, whatever space it has. @param path need not exist */
export function hasNoInodes(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { files, ffree } = statfsSync(at);
      // Some (btrfs) have no fixed number of them, and answer with zeros.
      return files > 0 && ffree === 0;
    } catch {
      if (at === dirname(at)) return false;
    }
  }
}
