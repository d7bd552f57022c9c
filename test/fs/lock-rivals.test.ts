import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { JobAttempt } from '../../src/fs/lock-file.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import { type ProcessIdentity, ownIdentity } from '../../src/fs/process-identity.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** Polls soon: nobody wants to wait in a test. */
const clock: Clock = { ...systemClock, sleep: async (_ms, signal) => systemClock.sleep(2, signal) };

async function newDirectory(): Promise<string> {
  return join(await tempDir(), '.ccxri');
}

type Options = Partial<Parameters<typeof acquireLock>[0]>;

/** Takes a lock beside which nobody may hold one of `rivals`. */
function take(directory: string, name: string, rivals: readonly string[], options: Options = {}) {
  return acquireLock({
    path: join(directory, name),
    rivals: () => Promise.resolve(rivals.map((rival) => join(directory, rival))),
    wait: false,
    clock,
    ...options,
  });
}

/** A lock as another run would have left it. */
async function leaveLock(
  path: string,
  holder: Partial<ProcessIdentity>,
  job?: JobAttempt,
): Promise<void> {
  const record = {
    lockVersion: 1,
    holder: { ...(await ownIdentity()), ...holder },
    token: 'left behind',
    since: '2026-01-05T10:11:12.000Z',
    ...(job && { job }),
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(record));
}

const OF_THE_DEAD = { startToken: 'a boot long ago:1:1' };

describe('a lock with rivals', () => {
  it('is held beside others, but by nobody beside a rival', async () => {
    const directory = await newDirectory();
    const one = await take(directory, 'one', ['all'], { part: 'shard 1/2' });
    const two = await take(directory, 'two', ['all']);
    await expect(take(directory, 'all', ['one', 'two'])).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`: shard 1/2: pid ${process.pid} on `) as string,
      facts: { path: join(directory, 'one') },
    });
    await one();
    await expect(take(directory, 'all', ['one', 'two'])).rejects.toMatchObject({ code: 'locked' });
    await two();
    const all = await take(directory, 'all', ['one', 'two']);
    await expect(take(directory, 'one', ['all'])).rejects.toMatchObject({ code: 'locked' });
    await all();
    expect(await listTree(directory)).toEqual([]);
  });

  it('is waited for, like its own', async () => {
    const directory = await newDirectory();
    const one = await take(directory, 'one', ['all']);
    const said: string[] = [];
    const all = await take(directory, 'all', ['one'], {
      wait: true,
      onNotice: (message) => {
        said.push(message);
        void one();
      },
    });
    expect(said).toEqual([expect.stringContaining(`waiting for pid ${process.pid} on `)]);
    await all();
  });

  it('is taken where the rival is dead, whose lock is removed', async () => {
    const directory = await newDirectory();
    await leaveLock(join(directory, 'one'), OF_THE_DEAD);
    await leaveLock(join(directory, 'two'), { host: 'another-host' });
    const said: string[] = [];
    const onNotice = (message: string) => said.push(message);
    const all = await take(directory, 'all', ['one'], { onNotice });
    expect(said).toEqual(['took over the lock of a run that has died']);
    expect(await listTree(directory)).toEqual(['all', 'two']);
    await all();
    await expect(take(directory, 'all', ['two'])).rejects.toMatchObject({ code: 'locked' });
  });

  it('is not refused while another run removes the lock of a dead rival', async () => {
    const directory = await newDirectory();
    await leaveLock(join(directory, 'all'), OF_THE_DEAD);
    await leaveLock(join(directory, 'all.break'), {});
    let polls = 0;
    const sleeping: Clock = {
      ...clock,
      sleep: async () => {
        polls += 1;
        if (polls === 3) await leaveLock(join(directory, 'all.break'), OF_THE_DEAD);
      },
    };
    const one = await take(directory, 'one', ['all'], { clock: sleeping });
    expect(await listTree(directory)).toEqual(['one']);
    await one();
  });

  it('never gets two rivals at once, whoever comes when, and each gets it in the end', async () => {
    const directory = await newDirectory();
    const inside = new Set<string>();
    const work = async (name: string, rivals: readonly string[]) => {
      for (let round = 0; round < 5; round += 1) {
        const release = await take(directory, name, rivals, { wait: true });
        inside.add(name);
        expect([...inside].filter((each) => rivals.includes(each))).toEqual([]);
        await systemClock.sleep(1);
        inside.delete(name);
        await release();
      }
    };
    const shards = ['one', 'two', 'three'];
    await Promise.all([
      work('all', [...shards, 'other']),
      work('other', ['all', ...shards]),
      ...shards.map((shard) => work(shard, ['all', 'other'])),
    ]);
    expect(await listTree(directory)).toEqual([]);
  });
});

describe('a lock of a job that was started again', () => {
  const job = (attempt: number, id = 'slurm lab 9_3') => ({ job: { id, attempt } });

  it('is free for the next attempt, on whatever host the one before was', async () => {
    const directory = await newDirectory();
    await leaveLock(join(directory, 'one'), { host: 'node17' }, job(0).job);
    const said: string[] = [];
    const onNotice = (message: string) => said.push(message);
    const release = await take(directory, 'one', ['all'], { ...job(1), onNotice });
    expect(said).toEqual(['took over the lock of a run that has died']);
    expect(JSON.parse(await readFile(join(directory, 'one'), 'utf8'))).toMatchObject({
      holder: { host: hostname() },
      ...job(1),
    });
    await release();
  });

  it.each([
    ['the same attempt', job(1)],
    ['an earlier one', job(0)],
    ['another task', job(2, 'slurm lab 9_4')],
    ['no job', {}],
  ])('is held against %s', async (_, own) => {
    const directory = await newDirectory();
    await leaveLock(join(directory, 'one'), { host: 'node17' }, job(1).job);
    await expect(take(directory, 'one', [], own)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('on node17') as string,
    });
  });
});
