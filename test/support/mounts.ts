import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

/** May this process mount? Root in a container often may not. */
export const canMount = tryMount();

if (!canMount) {
  console.warn('skipped: tests on small and read-only file systems need the right to mount');
}

function mount(...args: readonly string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

function unmount(path: string): void {
  spawnSync('umount', ['--lazy', path], { stdio: 'ignore' });
}

function tryMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const path = mkdtempSync(join(tmpdir(), 'ccxri-mount-'));
  const did = mount('-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', path);
  if (did) unmount(path);
  rmdirSync(path);
  return did;
}

export interface Mounts {
  /** An empty file system in memory, of this size, and for so many files and directories. */
  small(sizeBytes: number, inodes?: number): Promise<string>;
  /** A directory as it is, seen through a mount that lets nobody write. */
  readOnly(path: string): Promise<string>;
  /** Takes one away, and leaves the directory that it was on. */
  release(path: string): void;
}

/** All mounts are taken away after each test. */
export function useMounts(): Mounts {
  const mounted: string[] = [];
  afterEach(async () => {
    for (const path of mounted.splice(0)) {
      unmount(path);
      await rmdir(path);
    }
  });
  const make = async (...argsBefore: readonly string[]) => {
    const path = await mkdtemp(join(tmpdir(), 'ccxri-mount-'));
    if (!mount(...argsBefore, path)) throw new Error(`could not mount on ${path}`);
    mounted.push(path);
    return path;
  };
  return {
    small: (sizeBytes, inodes = 1_000_000) =>
      make('-t', 'tmpfs', '-o', `size=${sizeBytes},nr_inodes=${inodes}`, 'tmpfs'),
    release: (path) => {
      mounted.splice(mounted.indexOf(path), 1);
      unmount(path);
    },
    async readOnly(source) {
      const path = await make('--bind', source);
      if (!mount('-o', 'remount,bind,ro', path)) throw new Error('could not remount read-only');
      return path;
    },
  };
}
