import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  failEverywhere,
  makeFaultRelease,
  type FaultKind,
  type FaultWorld,
} from '../support/fault-runs.ts';
import { hasNginx, startNginx, type Nginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { hasStrace } from '../support/strace.ts';

const start = useProcessGroups();
let directory: string;
let nginx: Nginx;
let world: FaultWorld;

beforeAll(async () => {
  if (!hasNginx) return;
  directory = await mkdtemp(join(tmpdir(), 'ccxri-faults-'));
  const release = await makeFaultRelease(join(directory, 'release'));
  nginx = await startNginx({ root: release.directory });
  world = { directory, release, sourceUrl: nginx.url, start };
});

afterAll(async () => {
  if (!hasNginx) return;
  await nginx.stop();
  await rm(directory, { recursive: true, force: true });
});

const DISK = [6];
const FINE = [0];
/** Resolved links are a convenience: where they can't be kept, that is no failure. */
const LINKS = /^\w+ \.ccxri(?:\/\.\*\.tmp)? #/;

/** Everywhere: the ways that differ in what follows. At three points: those that are treated alike. */
const FAULTS: readonly FaultKind[] = [
  ...everywhere('pwrite64', ['ENOSPC', 'EIO']),
  ...briefly('pwrite64', ['EDQUOT', 'EFBIG']),
  // A disk that says it has written, and has not: what is read back does not pass, and comes again.
  { call: 'pwrite64', how: 'retval=100', codes: FINE },
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
  { call: 'link', how: 'error=EXDEV', codes: [0, 6] },
  ...everywhere('ftruncate', ['EIO']),
  { call: 'unlink', how: 'signal=KILL', codes: [] },
  { call: 'mkdir', how: 'signal=KILL', codes: [] },
  // Of a folder that is there already, nobody asks.
  { call: 'mkdir', how: 'error=ENOSPC', codes: [0, 6], isBrief: true },
  { call: 'openat', how: 'error=EMFILE', codes: DISK, isBrief: true, mayPass: LINKS },
  ...['signal=KILL', 'error=ENOSPC', 'error=EIO', 'retval=10'].map((how) => ({
    call: 'write',
    how,
    codes: how === 'retval=10' ? [0, 6] : DISK,
    mayPass: LINKS,
    runs: 16,
  })),
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

describe.skipIf(!hasNginx || !hasStrace)('at each call in turn', () => {
  it.each(FAULTS)(
    '$call $how: what is there is right, and the next run ends well',
    async (kind) => {
      const report = await failEverywhere(world, kind);
      expect(report.points).toBeGreaterThan(0);
      console.log(
        `${kind.call} ${kind.how}: hit ${report.hit.length} of ${report.points} points in ${report.runs} runs`,
      );
    },
  );
});
