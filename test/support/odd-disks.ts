import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A kind of file system that is not that of a POSIX system. */
export interface DiskKind {
  readonly name: string;
  /** Whether `A` and `a` are one name. */
  readonly isCaseBlind: boolean;
  readonly hasHardLinks: boolean;
  /** Whether it refuses the names that Windows refuses. */
  readonly refusesReserved: boolean;
  /** Makes the file system in an image. */
  readonly format: readonly string[];
  /** The command that mounts a block device at a directory. */
  readonly mount: (device: string, at: string) => readonly string[];
  /** Run in the directory that is used then. */
  readonly prepare?: readonly string[];
}

const loop = (type: string) => (device: string, at: string) => ['mount', '-t', type, device, at];

const KINDS: readonly DiskKind[] = [
  {
    ...{ name: 'vfat', isCaseBlind: true, hasHardLinks: false, refusesReserved: true },
    format: ['mkfs.vfat'],
    mount: (device, at) => ['mount', '-t', 'vfat', '-o', 'utf8', device, at],
  },
  {
    ...{
      name: 'ext4 with casefold',
      isCaseBlind: true,
      hasHardLinks: true,
      refusesReserved: false,
    },
    format: ['mkfs.ext4', '-q', '-O', 'casefold', '-E', 'encoding=utf8'],
    mount: loop('ext4'),
    prepare: ['chattr', '+F', '.'],
  },
  {
    // FAT as memory cards and external disks have it; by FUSE where the kernel has none.
    ...{ name: 'exFAT', isCaseBlind: true, hasHardLinks: false, refusesReserved: false },
    format: ['mkfs.exfat'],
    mount: (device, at) => ['mount.exfat-fuse', device, at],
  },
  {
    ...{ name: 'NTFS', isCaseBlind: false, hasHardLinks: true, refusesReserved: true },
    format: ['mkfs.ntfs', '-Q', '-q'],
    mount: (device, at) => ['lowntfs-3g', '-o', 'windows_names', device, at],
  },
];

const IMAGE_BYTES = 64 * 1024 * 1024;
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

function run([program = '', ...args]: readonly string[], cwd = tmpdir()): void {
  execFileSync(program, args, { cwd, stdio: 'pipe', env: { ...process.env, PATH } });
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH } }).status === 0;
}

/** Why there is no such disk here; undefined: there may be one. */
function missingOf({ name, format, mount }: DiskKind): string | undefined {
  const [program] = mount('', '');
  for (const each of [format[0] ?? '', program ?? '', 'losetup']) {
    if (!has(each)) return `${each} is not here`;
  }
  if (name === 'ext4 with casefold' && !existsSync('/sys/fs/ext4/features/casefold')) {
    return 'the kernel folds no case';
  }
  if (name === 'vfat' && !/\bvfat$/m.test(readFileSync('/proc/filesystems', 'utf8'))) {
    return 'the kernel has none';
  }
  return tryDisk(name);
}

function tryDisk(name: string): string | undefined {
  const image = join(mkdtempSync(join(tmpdir(), 'ccxri-disk-')), 'image');
  try {
    execFileSync('truncate', ['-s', '16M', image]);
    run(['losetup', '-d', attach(image)]);
    return undefined;
  } catch {
    return `no image may be mounted here, ${name} or other`;
  } finally {
    rmSync(join(image, '..'), { recursive: true });
  }
}

function attach(image: string): string {
  const args = ['-f', '--show', image];
  return execFileSync('losetup', args, { encoding: 'utf8', env: { ...process.env, PATH } }).trim();
}

/** Those that can be mounted here; each other one is said to be skipped. */
export const DISK_KINDS: readonly DiskKind[] = KINDS.filter((kind) => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.warn(`SKIPPED: a disk of ${kind.name} is mounted by root on Linux alone`);
    return false;
  }
  const why = missingOf(kind);
  if (why !== undefined) console.warn(`SKIPPED: no disk of ${kind.name}: ${why}`);
  return why === undefined;
});

export interface Disk {
  /** An empty directory on it. */
  readonly path: string;
  /** Unmounts and mounts it again: what is kept in memory alone is gone. */
  remount(): void;
  release(): Promise<void>;
}

export async function makeDisk({ format, mount, prepare }: DiskKind): Promise<Disk> {
  const root = await mkdtemp(join(tmpdir(), 'ccxri-disk-'));
  const [image, at] = [join(root, 'image'), join(root, 'at')];
  await mkdir(at);
  await writeFile(image, '');
  await truncate(image, IMAGE_BYTES);
  const device = attach(image);
  const put = () => run(mount(device, at));
  run([...format, device]);
  put();
  const path = join(at, 'disk');
  await mkdir(path);
  if (prepare !== undefined) run(prepare, path);
  return {
    path,
    remount: () => {
      run(['umount', at]);
      put();
    },
    release: async () => {
      run(['umount', at]);
      run(['losetup', '-d', device]);
      await rm(root, { recursive: true });
    },
  };
}
