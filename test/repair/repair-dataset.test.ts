import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { archiveOf, damageAfterFetch, flipped, memberName } from '../support/damaged.ts';
import { destIn, manifestOf, md5Of, sampleLabels } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { runCli } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const archive = archiveOf('ChestDx-1.zip', { members: 20, bytes: 100_000 });
const damaged = flipped(archive.bytes, 350_000);
const labels = sampleLabels('chest_dx.csv', 'image,zip,No_finding\n');

async function setUp(bytes: Buffer) {
  const root = await tempDir();
  const manifest = join(root, 'manifest.json');
  await writeFile(join(root, archive.name), archive.bytes);
  await writeFile(join(root, labels.name), labels.bytes);
  await writeFile(manifest, JSON.stringify({ ...manifestOf(archive, labels), url: undefined }));
  const server = await nginx({ root });
  const dest = destIn(await tempDir());
  await mkdir(join(dest, '..'));
  await damageAfterFetch(dest, archive, [server.url], bytes);
  const options = ['--dest', dest, '--manifest', manifest];
  const repair = (...more: readonly string[]) =>
    runCli(['repair', ...options, '--source', server.url, ...more]);
  return { dest, repair, options, path: join(dest, 'archives', archive.name) };
}

it('repairs what verify has found, and says what was wrong and what it cost', async () => {
  const { repair, options, path } = await setUp(damaged);
  const verified = await runCli(['verify', ...options]);
  expect(verified.code).toBe(3);
  expect(verified.stderr).toContain('ccxri repair --file ChestDx-1');
  const planned = await repair('-n');
  expect(planned.code).toBe(0);
  expect(planned.stdout).toContain('1 damaged member');
  expect((await readFile(path)).equals(damaged)).toBe(true);
  const { code, stdout, stderr } = await repair();
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(memberName(3));
  expect(stderr).toContain('1 member damaged');
  expect((await readFile(path)).equals(archive.bytes)).toBe(true);
  expect((await runCli(['verify', ...options])).code).toBe(0);
  const again = await repair('--json');
  expect(JSON.parse(again.stdout)).toMatchObject({
    result: { outcomes: [{ did: 'skipped', status: 'verified' }] },
  });
});

it('writes nothing in a dry run', async () => {
  const { dest, repair } = await setUp(damaged);
  const before = await listTree(dest);
  const { code, stdout } = await repair('-n', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    result: {
      dryRun: true,
      outcomes: [
        {
          did: 'planned',
          status: 'bad',
          plan: { badMembers: [memberName(3)], isDirectoryBad: false, wholeBecause: null },
        },
      ],
    },
  });
  expect(await listTree(dest)).toEqual(before);
});

it('#225 repairs an archive that ccxri did not put there, and keeps that in the quarantine', async () => {
  const { dest, repair, path } = await setUp(damaged);
  const { ledger, bad } = layoutOf(dest);
  // The second is kept beside the first.
  const foreign = [damaged, flipped(archive.bytes, 7 * 10_000)];
  for (const bytes of foreign) {
    await writeFile(path, bytes);
    await writeFile(join(ledger, `${archive.name}.json`), '');
    const { code, stderr } = await repair();
    expect(code, stderr).toBe(0);
    expect((await readFile(path)).equals(archive.bytes)).toBe(true);
  }
  for (const bytes of foreign) {
    const kept = await readFile(join(bad, `${md5Of(bytes)}-${archive.name}`));
    expect(kept.equals(bytes)).toBe(true);
  }
});

it('replaces a damaged label file as a whole', async () => {
  const { dest, repair } = await setUp(archive.bytes);
  const path = join(dest, 'labels', labels.name);
  await mkdir(join(dest, 'labels'), { recursive: true });
  await writeFile(path, `${labels.bytes.toString()}x`);
  const { code, stderr } = await repair();
  expect(code, stderr).toBe(0);
  expect((await readFile(path)).equals(labels.bytes)).toBe(true);
});

it('says of a file that is selected and not here how to get it: code 5', async () => {
  const { repair } = await setUp(archive.bytes);
  const { code, stderr } = await repair('--file', 'chest_dx.csv');
  expect(code).toBe(5);
  expect(stderr).toContain('ccxri fetch --file chest_dx');
});
