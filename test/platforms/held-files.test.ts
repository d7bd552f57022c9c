import { rmdir, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { cannotSync } from '../../src/fs/atomic.ts';
import { cannotLink } from '../../src/fs/links.ts';
import { rename, renameRetryMs } from '../../src/fs/rename.ts';
import { canMount, useMounts } from '../support/mounts.ts';

const mounts = useMounts();
const failure = (code: string) => Object.assign(new Error(code), { code });

describe('#80 a rename of a file that another program has open', () => {
  it.each([
    ['EPERM', 0, true, 10],
    ['EBUSY', 3, true, 80],
    ['EACCES', 8, true, 2560],
    ['EACCES', 9, true, undefined],
    ['ENOENT', 0, true, undefined],
    ['EXDEV', 0, true, undefined],
    [undefined, 0, true, undefined],
    ['EPERM', 0, false, undefined],
    ['EBUSY', 0, false, undefined],
  ])('after %s and %i retries, on Windows: %s, waits %s', (errno, retries, onWindows, ms) => {
    expect(renameRetryMs(errno, retries, onWindows)).toBe(ms);
  });

  it('fails within some seconds where it stays open', () => {
    let waitedMs = 0;
    for (let retries = 0; ; retries += 1) {
      const ms = renameRetryMs('EPERM', retries, true);
      if (ms === undefined) break;
      waitedMs += ms;
    }
    expect(waitedMs).toBe(5110);
  });

  it.skipIf(!canMount)(
    'succeeds once it is let go: here a directory that is mounted on',
    async () => {
      const held = await mounts.small(4096);
      const to = `${held}-renamed`;
      await expect(rename(held, to)).rejects.toMatchObject({ code: 'EBUSY' });
      const renamed = rename(held, to, true);
      mounts.release(held);
      await renamed;
      expect((await stat(to)).isDirectory()).toBe(true);
      await rmdir(to);
    },
  );
});

it('what Windows says of a disk without hard links, and of a directory to flush, is no failure', () => {
  for (const code of ['EPERM', 'EISDIR', 'ENOTSUP', 'EMLINK']) {
    expect(cannotLink(failure(code)), code).toBe(true);
  }
  for (const code of ['ENOSPC', 'EIO', 'ENOENT', 'EEXIST']) {
    expect(cannotLink(failure(code)), code).toBe(false);
  }
  expect(cannotSync(failure('EPERM'))).toBe(true);
  expect(cannotSync(failure('EIO'))).toBe(false);
});
