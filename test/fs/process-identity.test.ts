import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { livenessOf, ownIdentity } from '../../src/fs/process-identity.ts';

const hasProc = existsSync('/proc/self/stat');
if (!hasProc) console.warn('skipped: tests of start tokens need /proc');

async function idOfEndedProcess(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? 0;
}

it('this process is alive', async () => {
  const own = await ownIdentity();
  expect(own).toMatchObject({ pid: process.pid, host: hostname() });
  expect(await livenessOf(own)).toBe('alive');
  expect(await ownIdentity()).toEqual(own);
});

it('a process without a start token is alive while its pid is', async () => {
  expect(await livenessOf({ ...(await ownIdentity()), startToken: null })).toBe('alive');
});

it('#86 a process that has ended is dead', async () => {
  const pid = await idOfEndedProcess();
  expect(await livenessOf({ ...(await ownIdentity()), pid })).toBe('dead');
  expect(await livenessOf({ pid, host: hostname(), startToken: null })).toBe('dead');
});

it('#88 of a process of another host nothing is known', async () => {
  const pid = await idOfEndedProcess();
  expect(await livenessOf({ pid, host: 'node17', startToken: null })).toBe('unknown');
  expect(await livenessOf({ ...(await ownIdentity()), host: 'node17' })).toBe('unknown');
});

describe.skipIf(!hasProc)('with /proc', () => {
  it('#87 another process that has the pid now is not the one that had it', async () => {
    const own = await ownIdentity();
    expect(await livenessOf({ ...own, startToken: `${own.startToken}0` })).toBe('dead');
  });

  it('#87 nor is one that had it before the machine was started', async () => {
    const own = await ownIdentity();
    const [, ...rest] = own.startToken?.split(':') ?? [];
    const startToken = ['another-boot', ...rest].join(':');
    expect(await livenessOf({ ...own, startToken })).toBe('dead');
  });

  it('of a process of another container on this host nothing is known', async () => {
    const own = await ownIdentity();
    const [boot, , start] = own.startToken?.split(':') ?? [];
    const startToken = [boot, '4026539999', start].join(':');
    const pid = await idOfEndedProcess();
    expect(await livenessOf({ ...own, pid, startToken })).toBe('unknown');
  });

  it('a process that has ended and waits for its parent is dead', async () => {
    // The shell becomes `sleep`, which does not ask after the child it has inherited.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
      const pid = Number((await lines.next()).value);
      expect(pid).toBeGreaterThan(0);
      const identity = { pid, host: hostname(), startToken: null };
      expect(await livenessOf(identity)).toBe('alive');
      const program = () => readFile(`/proc/${parent.pid}/comm`, 'utf8');
      await expect.poll(program, { timeout: 30_000 }).toBe('sleep\n');
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => livenessOf(identity), { timeout: 30_000 }).toBe('dead');
      // It still has its pid.
      expect(process.kill(pid, 0)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
