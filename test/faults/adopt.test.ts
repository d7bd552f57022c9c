import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bytesOf, imagesOf, keepIndexes, makeRelease, putLabels } from '../support/adopting.ts';
import { PROGRAM, useProgram } from '../support/program.ts';
import { documentOf } from '../support/run-cli.ts';
import { hasStrace } from '../support/strace.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { command } = useProgram();
const release = makeRelease();
const images = imagesOf(release, 'ChestDx-2');
const [image = ''] = Object.keys(images);

const ofAdopt = z.object({
  files: z.array(z.object({ file: z.string(), did: z.string(), how: z.string().nullable() })),
  images: z.array(z.object({ file: z.string(), crcChecked: z.number(), here: z.number() })),
  left: z.array(
    z.object({
      why: z.string(),
      count: z.number(),
      examples: z.array(z.object({ path: z.string() })),
    }),
  ),
});

let [root, held, dest] = ['', '', ''];

beforeEach(async () => {
  root = await tempDir();
  [held, dest] = [join(root, 'held'), join(root, 'set')];
  await keepIndexes(release, dest);
  await writeFile(join(root, 'manifest.json'), JSON.stringify(release.manifest));
  await writeTree(held, { 'a.zip': bytesOf(release, 'ChestDx-1'), ...images });
  await putLabels(release, held);
  // What a killed run leaves of a link is swept by the date of its file: after an hour.
  const before = new Date(Date.now() - 3 * 3_600_000);
  for (const name of await readdir(held)) await utimes(join(held, name), before, before);
});

/** Runs `adopt`, started by another command. */
async function adopt(before: readonly string[], ...more: readonly string[]) {
  const own = [process.execPath, PROGRAM, 'adopt', held, '--dest', dest, '--json'];
  const [first, ...rest] = [...before, ...own, '--manifest', join(root, 'manifest.json')];
  const end = await command(first, [...rest, ...more]);
  const result = end.signal === null && end.stdout !== '' ? documentOf(end.stdout).result : null;
  const parsed = ofAdopt.safeParse(result);
  return { ...end, result: parsed.success ? parsed.data : undefined };
}

const found = () => [join(held, 'a.zip'), ...Object.keys(images).map((name) => join(held, name))];

/** One thread in Node's pool, so that each of its calls is traced in its order. */
const strace = (fault: string, ...paths: readonly string[]) => [
  ...['env', 'UV_THREADPOOL_SIZE=1', 'UV_USE_IO_URING=0', 'strace', '-f', '-o', '/dev/null'],
  ...paths.flatMap((path) => ['-P', path]),
  ...['-e', `trace=${fault.split(':')[0] ?? ''}`, '-e', `inject=${fault}`],
];

/** What is under a final name is whole; what was found is as it was. */
async function expectSound(): Promise<void> {
  expect(await readFile(join(held, 'a.zip'))).toEqual(bytesOf(release, 'ChestDx-1'));
  for (const folder of ['archives', 'labels']) {
    for (const name of await readdir(join(dest, folder)).catch(() => [])) {
      const bytes = bytesOf(release, name.replace('.zip', ''));
      expect((await readFile(join(dest, folder, name))).equals(bytes), name).toBe(true);
    }
  }
  for (const name of await readdir(join(dest, 'images/ChestDx-2')).catch(() => [])) {
    const own = images[name] ?? Buffer.of();
    expect((await readFile(join(dest, 'images/ChestDx-2', name))).equals(own), name).toBe(true);
  }
}

async function expectRestDone(): Promise<void> {
  expect(await adopt([])).toMatchObject({ code: 0 });
  await expectSound();
  expect(await readdir(join(dest, 'archives'))).toEqual(['ChestDx-1.zip']);
  expect(await readdir(join(dest, 'images/ChestDx-2'))).toHaveLength(6);
  expect(await listTree(join(dest, '.ccxri/partial'))).toEqual([]);
  expect(await listTree(join(dest, '.ccxri/stage'))).toEqual([]);
  const args = [PROGRAM, 'verify', '--deep', '--dest', dest];
  expect(await command(process.execPath, args)).toMatchObject({ code: 0 });
}

describe.skipIf(!hasStrace)('while a found file is taken', () => {
  it.each(['error=EIO', 'retval=0', 'retval=100'])(
    'reading an archive ends in %s: it is left, the rest is taken',
    async (how) => {
      const run = await adopt(strace(`read,pread64:${how}:when=2+`, join(held, 'a.zip')));
      expect(run.result?.files.map(({ file }) => file)).not.toContain('ChestDx-1.zip');
      expect(run.result?.files).toHaveLength(2);
      await expectSound();
      await expectRestDone();
    },
  );

  it.each(['error=EIO', 'retval=0'])(
    'reading an image ends in %s: it is left, the rest would be taken',
    async (how) => {
      const run = await adopt(strace(`read,pread64:${how}`, join(held, image)), '-n');
      expect(run.result?.images).toMatchObject([{ file: 'ChestDx-2.zip', crcChecked: 5 }]);
      expect(run.result?.left).toMatchObject([
        { why: how === 'retval=0' ? 'differs' : 'unreadable', count: 1 },
      ]);
      await expectRestDone();
    },
  );

  it.each(['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP'])(
    'a hard link ends in %s: it is copied',
    async (error) => {
      const run = await adopt(strace(`link,linkat:error=${error}`, ...found()));
      expect(run.code, run.stderr).toBe(0);
      expect(run.result?.files.map(({ how }) => how)).toEqual(['copied', 'linked', 'linked']);
      expect(run.result?.images).toMatchObject([{ crcChecked: 6 }]);
      await expectRestDone();
    },
  );

  it.each(['link,linkat', 'rename', 'unlink,unlinkat', 'mkdir'])(
    'a kill at any %s loses nothing, and the next run ends well',
    async (call) => {
      for (let when = 1; ; when += 1) {
        const { signal } = await adopt(
          strace(`${call}:signal=KILL:when=${when}`),
          '--link',
          'auto',
        );
        await expectSound();
        if (signal === null || when > 40) break;
      }
      await expectRestDone();
    },
    120_000,
  );
});

describe('what may not be read', () => {
  const isRoot = process.getuid?.() === 0;
  const asOther = isRoot
    ? ['setpriv', '--reuid', '54321', '--regid', '54321', '--clear-groups']
    : [];

  it('is named, a file and a directory; the rest is taken', async () => {
    await writeTree(held, {
      'private/b.zip': bytesOf(release, 'Normal-1'),
      'c.zip': bytesOf(release, 'Viral-1'),
    });
    await chmod(join(held, 'private'), 0o000);
    await chmod(join(held, 'c.zip'), 0o000);
    await chmod(join(held, image), 0o000);
    if (isRoot) expect(spawnSync('chown', ['-R', '54321', root]).status).toBe(0);
    await mkdir(join(root, 'home'));
    const run = await adopt(asOther);
    expect(run.result, run.stderr).toMatchObject({
      images: [{ file: 'ChestDx-2.zip', crcChecked: 5 }],
      left: [{ why: 'unreadable', count: 3 }],
    });
    const [left] = run.result?.left ?? [];
    expect(left?.examples.map(({ path }) => path).sort()).toEqual(
      [image, 'c.zip', 'private'].map((name) => join(held, name)).sort(),
    );
    expect(run.result?.files.map(({ file }) => file)).not.toContain('Normal-1.zip');
    await chmod(join(held, 'private'), 0o700);
  });
});
