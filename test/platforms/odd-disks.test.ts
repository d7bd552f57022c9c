import {
  copyFile,
  cp,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDemo } from '../../src/demo/run-demo.ts';
import { OF_DEMO, RELEASE, fetchOf, set } from '../support/demo-lines.ts';
import { DISK_KINDS, type Disk, makeDisk } from '../support/odd-disks.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function ccxri(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(argv);
  expect(code, `${argv.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

describe.each(DISK_KINDS)('on $name', (kind) => {
  let disk: Disk;
  let dataset: string;

  beforeAll(async () => {
    disk = await makeDisk(kind);
    dataset = join(disk.path, 'set');
    await ccxri(...fetchOf('all', dataset));
  });
  // A left-over mount would stay on the machine.
  afterAll(() => disk.release());

  it('is what it is said to be', async () => {
    const path = join(disk.path, 'Abc');
    await writeFile(path, '');
    const lower = await stat(join(disk.path, 'abc')).catch(() => undefined);
    expect(lower !== undefined).toBe(kind.isCaseBlind);
    const reserved = writeFile(join(disk.path, 'a?b'), '').catch((error: unknown) => error);
    if (kind.refusesReserved) expect(await reserved).toBeInstanceOf(Error);
    await rm(path);
  });

  it('a demo is interrupted, continued and joined as elsewhere', async () => {
    const [dest, other] = [join(disk.path, 'demo'), join(await tempDir(), 'demo')];
    const result = await runDemo({ dest, bytesPerSecond: 4_000_000 });
    expect(result.caught.length).toBeGreaterThan(0);
    await runDemo({ dest: other, bytesPerSecond: 4_000_000 });
    const index = await readFile(join(dest, 'index.csv'), 'utf8');
    expect(index).toBe(await readFile(join(other, 'index.csv'), 'utf8'));
    expect(index).not.toContain('\\');
    expect(await readdir(join(dest, '.ccxri', 'partial'))).toEqual([]);
    await ccxri('verify', '--deep', ...set(dest));
  });

  it('a whole dataset verifies, by what is on the disk and by the ledger after it was unmounted', async () => {
    await ccxri('verify', '--deep', ...set(dataset));
    disk.remount();
    for (const how of [['--quick'], []]) {
      const document = documentOf(await ccxri('verify', '--json', ...how, ...set(dataset)));
      expect(document.counts['verified']).toBe(9);
    }
    const again = documentOf(await ccxri(...fetchOf('all', dataset), '--json'));
    expect(again.counts).toMatchObject({ skipped: 9 });
  });

  it('what was copied to it with its times is as it was', async () => {
    const [home, copy] = [join(await tempDir(), 'set'), join(disk.path, 'copied')];
    await ccxri(...fetchOf('normal', home));
    await cp(home, copy, { recursive: true, preserveTimestamps: true });
    disk.remount();
    await ccxri('verify', '--quick', '--subset', 'normal', ...set(copy));
  });

  it('images are extracted, joined and exported again', async () => {
    const before = await readFile(join(dataset, 'index.csv'), 'utf8');
    await rm(join(dataset, 'images', 'ChestDx-1'), { recursive: true });
    await ccxri('extract', '--file', 'ChestDx-1', ...set(dataset));
    await ccxri('join', ...set(dataset));
    expect(await readFile(join(dataset, 'index.csv'), 'utf8')).toBe(before);
    const to = join(disk.path, 'out');
    for (const more of [[], ['--force']]) {
      await ccxri(
        'export',
        'imagefolder',
        '--to',
        to,
        '--subset',
        'normal',
        ...more,
        ...set(dataset),
      );
    }
    const [image = ''] = await readdir(join(dataset, 'images', 'Normal-1'));
    const out = (await readdir(to, { recursive: true })).find((path) => path.endsWith(image)) ?? '';
    const { nlink } = await stat(join(to, out));
    expect(nlink > 1).toBe(kind.hasHardLinks);
  });

  it('archives are adopted by a link where there are links, else by a copy', async () => {
    const [held, dest] = [join(disk.path, 'held'), join(disk.path, 'taken')];
    await mkdir(held);
    await copyFile(join(RELEASE, 'Normal-1.zip'), join(held, 'NORMAL-1 (1).ZIP'));
    const { result } = documentOf(await ccxri('adopt', held, '--json', ...set(dest)));
    const how = kind.hasHardLinks ? 'linked' : 'copied';
    expect(result).toMatchObject({ files: [{ file: 'Normal-1.zip', did: 'adopted', how }] });
    await ccxri('verify', ...set(dest));
  });

  it('two runs do not work in one directory at once', async () => {
    const runs = await Promise.all(
      [1, 2].map(() => runCli(['extract', '--wait', ...set(dataset)])),
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(await readdir(join(dataset, '.ccxri'))).not.toContain('lock');
  });

  it.runIf(kind.isCaseBlind)(
    '#83 another case of a path is the same dataset directory',
    async () => {
      const upper = join(disk.path, 'SET');
      await ccxri('verify', '--quick', ...set(upper));
      // Not known to the ledger, so that it would be taken, and the found file removed.
      const mine = join(disk.path, 'Mine');
      await mkdir(join(mine, '.ccxri'), { recursive: true });
      await mkdir(join(mine, 'archives'));
      const archive = join(mine, 'archives', 'Normal-1.zip');
      await copyFile(join(RELEASE, 'Normal-1.zip'), archive);
      for (const path of ['MINE', 'MINE/ARCHIVES', 'mine/Archives/NORMAL-1.zip', 'Mine/archives']) {
        const found = join(disk.path, path);
        const { code, stderr } = await runCli(['adopt', found, '--link', 'move', ...set(mine)]);
        expect(stderr, path).toMatch(/is in the dataset directory/);
        expect(code, path).toBe(2);
      }
      expect(await readFile(archive)).toEqual(await readFile(join(RELEASE, 'Normal-1.zip')));
      await ccxri('verify', ...set(dataset));
    },
  );

  it.runIf(kind.isCaseBlind)(
    'a file of the right name in another case is found in its place',
    async () => {
      const dest = join(disk.path, 'other-case');
      await mkdir(join(dest, 'ARCHIVES'), { recursive: true });
      await copyFile(join(RELEASE, 'Normal-1.zip'), join(dest, 'ARCHIVES', 'NORMAL-1.ZIP'));
      await ccxri(...fetchOf('normal', dest));
      expect(await readdir(join(dest, 'ARCHIVES'))).toEqual(['NORMAL-1.ZIP']);
      await ccxri('verify', '--deep', '--subset', 'normal', ...set(dest));
      await rename(join(dest, 'ARCHIVES', 'NORMAL-1.ZIP'), join(dest, 'ARCHIVES', 'Normal-1.zip'));
      await ccxri('verify', '--deep', '--subset', 'normal', ...OF_DEMO, dest);
    },
  );
});

it('no image is left mounted', async () => {
  expect(await readFile('/proc/mounts', 'utf8').catch(() => '')).not.toMatch(/ccxri-disk-/);
});
