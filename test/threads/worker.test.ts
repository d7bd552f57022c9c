import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ThreadStopped,
  ThreadUnavailable,
  WorkerClient,
  startWorker,
} from '../../src/threads/worker.ts';
import { extraResources } from '../support/resources.ts';
import type { EchoTypes } from '../support/thread-child.ts';

const clients: WorkerClient<EchoTypes>[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function clientOf(start: () => Worker) {
  const workers: Worker[] = [];
  const client = new WorkerClient<EchoTypes>('echo thread', () => {
    const worker = start();
    workers.push(worker);
    return worker;
  });
  clients.push(client);
  return { client, workers };
}

const echoClient = () =>
  clientOf(() => startWorker('thread-child', new URL('../support/x.ts', import.meta.url).href));

describe('a call', () => {
  it('starts the thread, reports progress and has a result', async () => {
    const { client, workers } = echoClient();
    expect(workers).toHaveLength(0);
    const reported: string[] = [];
    const call = client.start('answer', { onProgress: (text) => reported.push(text) });
    expect([workers.length, client.load]).toEqual([1, 1]);
    expect(await call.result).toEqual(['answer']);
    expect([reported, client.load]).toEqual([['begun'], 0]);
    expect(await client.start('answer').result).toEqual(['answer']);
    expect(workers).toHaveLength(1);
  });

  it('gets its own updates while others are under way', async () => {
    const { client } = echoClient();
    const [one, two] = [client.start('collect'), client.start('collect')];
    for (const [call, update] of [
      [one, 'a'],
      [two, 'b'],
      [one, 'last'],
      [two, 'c'],
      [two, 'last'],
      [two, 'too late'],
    ] as const) {
      call.update(update);
    }
    expect(await one.result).toEqual(['a', 'last']);
    expect(await two.result).toEqual(['b', 'c', 'last']);
  });

  it('#210 that takes more memory than there is for a thread fails as a limit', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      parentPort.postMessage({ kind: 'ready' });
      parentPort.on('message', () => { const kept = []; for (;;) kept.push(new Array(1000).fill(1)); });`;
    const resourceLimits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };
    const { client } = clientOf(() => new Worker(code, { eval: true, resourceLimits }));
    await expect(client.start('answer').result).rejects.toMatchObject({
      code: 'process-limit',
      message: 'the echo thread ended: there is no memory left (ERR_WORKER_OUT_OF_MEMORY)',
    });
  });

  it('fails with what the thread throws, and the thread goes on', async () => {
    const { client, workers } = echoClient();
    await expect(client.start('throw').result).rejects.toMatchObject({
      message: 'no entry',
      code: 'EACCES',
    });
    expect(await client.start('answer').result).toEqual(['answer']);
    expect(workers).toHaveLength(1);
  });

  it('fails with what its listener throws, once the thread has stopped', async () => {
    const { client } = echoClient();
    const thrown = new Error('listener failed');
    const onProgress = () => {
      throw thrown;
    };
    for (const request of ['spin', 'answer'] as const) {
      await expect(client.start(request, { onProgress }).result).rejects.toBe(thrown);
    }
    expect(await client.start('answer').result).toEqual(['answer']);
  });

  it('may fail while nobody waits for it', async () => {
    const { client } = echoClient();
    client.start('throw');
    expect(await client.start('answer').result).toEqual(['answer']);
    await turn();
  });
});

describe('a stop', () => {
  it.each(['spin', 'collect'] as const)(
    'reaches a call, busy or not, and it alone: %s',
    async (request) => {
      const { client } = echoClient();
      const other = client.start('collect');
      const call = client.start(request);
      call.stop();
      await expect(call.result).rejects.toBeInstanceOf(ThreadStopped);
      other.update('last');
      expect(await other.result).toEqual(['last']);
    },
  );

  it('comes of a signal, before or after the start', async () => {
    const { client } = echoClient();
    const { signal } = { signal: AbortSignal.abort() };
    await expect(client.start('spin', { signal }).result).rejects.toBeInstanceOf(ThreadStopped);
    const later = new AbortController();
    const onProgress = () => later.abort();
    const call = client.start('spin', { signal: later.signal, onProgress });
    await expect(call.result).rejects.toBeInstanceOf(ThreadStopped);
  });
});

describe('a thread that exits', () => {
  it.each([
    ['exit', undefined],
    ['crash', 'out of range'],
  ] as const)('fails what is under way: %s; the next call starts another', async (how, cause) => {
    const { client, workers } = echoClient();
    const other = client.start('collect');
    await expect(client.start(how).result).rejects.toMatchObject({
      message: 'the echo thread exited unexpectedly',
      ...(cause === undefined ? {} : { cause: { message: cause } }),
    });
    await expect(other.result).rejects.toThrow('the echo thread exited unexpectedly');
    expect([client.load, client.isUnavailable]).toEqual([0, false]);
    expect(await client.start('answer').result).toEqual(['answer']);
    expect(workers).toHaveLength(2);
  });

  it.each([
    ['its code is not there', () => new Worker(new URL('file:///nowhere/x.js'))],
    [
      'the system gives none',
      () => {
        throw new Error('no more');
      },
    ],
  ])('before it is ready is unavailable, and not tried again: %s', async (_, start) => {
    let asked = 0;
    const { client } = clientOf(() => {
      asked += 1;
      return start();
    });
    for (let call = 0; call < 2; call += 1) {
      await expect(client.start('answer').result).rejects.toBeInstanceOf(ThreadUnavailable);
    }
    expect([client.isUnavailable, asked]).toEqual([true, 1]);
  });
});

describe('closing', () => {
  it('fails what is under way and what comes later, and leaves nothing behind', async () => {
    const before = process.getActiveResourcesInfo();
    const { client, workers } = echoClient();
    const calls = [client.start('collect'), client.start('spin')];
    await client.close();
    for (const { result } of [...calls, client.start('answer')]) {
      await expect(result).rejects.toThrow('the echo thread was closed');
    }
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1]);
    await turn();
    expect(extraResources(before)).toEqual([]);
  });
});
