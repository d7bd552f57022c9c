import { lstat, mkdir, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type DatasetLayout, layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { sweepLeftovers } from '../../src/dataset/sweep.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { ownIdentity } from '../../src/fs/process-identity.ts';
import { deadPid, lockRecordOf } from '../support/lock-record.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const HOUR_MS = 3_600_000;

/** Writes files, makes all of them so old, and sweeps as the holder of the lock does. */
async function sweepAfter(
  files: Readonly<Record<string, string>>,
  ageMs: number,
  prepare: (layout: DatasetLayout) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const layout = layoutOf(await tempDir());
  await writeTree(layout.root, files);
  const then = new Date(Date.now() - ageMs);
  for (const name of Object.keys(files)) await utimes(join(layout.root, name), then, then);
  await prepare(layout);
  const release = await acquireLock({ path: layout.lock, wait: false, clock: systemClock });
  try {
    await sweepLeftovers(layout);
  } finally {
    await release();
  }
  const left: string[] = [];
  for (const name of await listTree(layout.root)) {
    if (!(await lstat(join(layout.root, name))).isDirectory()) left.push(name);
  }
  return left;
}

const NOW = '2026-01-05T10:11:12.000Z';
const MD5 = 'a'.repeat(32);

/** Of this process, or of another one. */
async function partState(name: string, pid?: number): Promise<string> {
  const owner = { ...(await ownIdentity()), ...(pid === undefined ? {} : { pid }) };
  const origin = { url: 'http://a.example/', validator: '"v"', totalBytes: 1, durableBytes: 1 };
  return JSON.stringify({ partVersion: 1, name, md5: MD5, owner, ...origin });
}

const LEFTOVERS = {
  '.ccxri/ledger/.0123456789ab.tmp': 'half a rec',
  '.ccxri/.ba9876543210.tmp': '',
  '.ccxri/ledger/.ChestDx-1.zip.json.0123456789ab.tmp': 'half a rec',
  '.ccxri/.links.json.0123456789ab.tmp': '',
  '.ccxri/.CITATION.cff.0123456789ab.tmp': '',
  '.ccxri/partial/ChestDx-1.zip.0123456789ab.json.tmp': '{"partVers',
  '.ccxri/partial/.adopted.0123456789ab.tmp': 'half a file',
  '.ccxri/.index.csv.0123456789ab.tmp': 'path,image',
  '.index.csv.0123456789ab.tmp': 'path,image',
  '.ccxri/lock.0123456789ab': '',
  '.ccxri/lock.break.0123456789ab': '{"lockVersion":1',
  '.ccxri/lock.break': '{"lockVersion":1',
};

describe('the sweep', () => {
  it('removes what was left in the middle of a write for more than an hour', async () => {
    expect(await sweepAfter(LEFTOVERS, 1.1 * HOUR_MS)).toEqual([]);
  });

  it('leaves what may be under way', async () => {
    expect(await sweepAfter(LEFTOVERS, 0.9 * HOUR_MS)).toEqual(Object.keys(LEFTOVERS).sort());
    // A clock that was set back makes nothing old.
    expect(await sweepAfter(LEFTOVERS, -24 * HOUR_MS)).toEqual(Object.keys(LEFTOVERS).sort());
  });

  it('removes the half-made lock of a dead process at once', async () => {
    const dead = await lockRecordOf({ pid: deadPid() });
    const files = { '.ccxri/lock.0123456789ab': dead, '.ccxri/lock.break': dead };
    expect(await sweepAfter(files, 0)).toEqual([]);
  });

  it('leaves that of a process which lives, or of which nothing is known', async () => {
    const files = {
      '.ccxri/lock.0123456789ab': await lockRecordOf({}),
      '.ccxri/lock.0123456789ac': await lockRecordOf({ pid: deadPid(), host: 'elsewhere' }),
    };
    expect(await sweepAfter(files, 0.9 * HOUR_MS)).toEqual(Object.keys(files));
  });

  it('I6 leaves what has not exactly the names that ccxri gives', async () => {
    const files = {
      '.0123456789ab.tmp': 'beside the dataset',
      '.ccxri/0123456789ab.tmp': '',
      '.ccxri/.0123456789a.tmp': '',
      '.ccxri/.0123456789AB.tmp': '',
      '.ccxri/.0123456789ab.tmp.bak': '',
      '.ccxri/ledger/ChestDx-1.zip.json': '',
      '.ccxri/ledger/.index.csv.0123456789ab.tmp': '',
      '.ccxri/links.json': '',
      '.ccxri/lock.txt': '',
      '.ccxri/partial/.0123456789ab.tmp': '',
      '.index.csv.swp': '',
      'archives/.0123456789ab.tmp': '',
      'images/ChestDx-1/.0123456789ab.tmp': '',
      'index.csv': '',
      'notes/.index.csv.0123456789ab.tmp': '',
    };
    expect(await sweepAfter(files, 100 * HOUR_MS)).toEqual(Object.keys(files).sort());
  });

  it('I6 leaves what is no plain file, and what a link leads to', async () => {
    const left = await sweepAfter(
      { 'mine.txt': 'kept' },
      100 * HOUR_MS,
      async ({ ledger, root }) => {
        await mkdir(join(ledger, '.aaaaaaaaaaaa.tmp'), { recursive: true });
        await writeTree(join(ledger, '.aaaaaaaaaaaa.tmp'), { inside: '' });
        await symlink(join(root, 'mine.txt'), join(ledger, '.bbbbbbbbbbbb.tmp'));
      },
    );
    expect(left).toEqual([
      '.ccxri/ledger/.aaaaaaaaaaaa.tmp/inside',
      '.ccxri/ledger/.bbbbbbbbbbbb.tmp',
      'mine.txt',
    ]);
  });

  it('removes parts of what is here as a whole, of dead runs alone', async () => {
    const receipt = { bytes: 1, md5: MD5, mtimeMs: 0, status: 'verified', checkedAt: NOW } as const;
    const left = await sweepAfter({}, 0, async (at) => {
      await writeTree(at.root, {
        'archives/here.zip': 'x',
        'archives/unknown.zip': 'x',
        '.ccxri/partial/here.zip.0123456789ab.part': 'x',
        '.ccxri/partial/here.zip.0123456789ab.json': await partState('here.zip', deadPid()),
        '.ccxri/partial/here.zip.0123456789ac.json': await partState('here.zip'),
        '.ccxri/partial/unknown.zip.0123456789ab.json': await partState('unknown.zip', deadPid()),
        '.ccxri/partial/absent.zip.0123456789ab.json': await partState('absent.zip', deadPid()),
      });
      for (const name of ['here.zip', 'absent.zip']) {
        await new Ledger(at.ledger).writeReceipt({ name, ...receipt });
      }
    });
    expect(left.filter((name) => name.includes('partial'))).toEqual([
      '.ccxri/partial/absent.zip.0123456789ab.json',
      '.ccxri/partial/here.zip.0123456789ac.json',
      '.ccxri/partial/unknown.zip.0123456789ab.json',
    ]);
  });

  it('does nothing where nobody holds the lock', async () => {
    const layout = layoutOf(await tempDir());
    await writeTree(layout.root, LEFTOVERS);
    const ages = new Date(0);
    for (const name of Object.keys(LEFTOVERS)) await utimes(join(layout.root, name), ages, ages);
    await sweepLeftovers(layout);
    await lstat(join(layout.state, '.ba9876543210.tmp'));
  });
});
