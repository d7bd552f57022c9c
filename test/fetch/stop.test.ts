import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { answer, honest, useRawServers } from '../support/raw-server.ts';
import { extraResources } from '../support/resources.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);
const HALF = 100_000;

/** Bytes in the one part that is there. */
async function partBytesIn(dest: string): Promise<number> {
  const { partial } = layoutOf(dest);
  const names = (await readdir(partial)).filter((name) => name.endsWith('.part'));
  return (await stat(join(partial, names[0] ?? ''))).size;
}

describe('#63 a stop from outside', () => {
  it('keeps part and state, leaves nothing open, and the next run goes on', async () => {
    const big = sampleArchive('ChestDx-1.zip', { bytes: 2_000_000 });
    const stop = new AbortController();
    const dest = destIn(await tempDir());
    const server = await serve(async (request, reply) => {
      const bytes = honest(big.bytes, request);
      if (request.index > 0) {
        await reply.send(bytes);
        return;
      }
      await reply.send(bytes.subarray(0, 1_500_000));
      await expect.poll(() => partBytesIn(dest)).toBeGreaterThan(1_400_000);
      stop.abort(new Error('enough'));
      await reply.hang();
    });
    const setup = { dest, manifest: manifestOf(big), sources: [`${server.url}/{name}`] };
    const before = process.getActiveResourcesInfo();
    const stopped = await run({ ...setup, signal: stop.signal, timeoutMs: 60_000 });
    expect(stopped.error).toMatchObject({ code: 'aborted' });
    await expect.poll(() => server.connections().open).toBe(0);
    expect(extraResources(before)).toEqual([]);
    const parts = (await readdir(layoutOf(dest).partial)).filter((name) => name.endsWith('.part'));
    expect(parts).toHaveLength(1);
    const again = await run(setup);
    expect(again.exit).toBe(0);
    expect(again.result?.bytesDownloaded).toBeLessThan(1_000_000);
  });

  it.each(['while it waits for an attempt', 'before it begins'])(
    'ends it at once: %s',
    async (when) => {
      const server = await serve((_, reply) => reply.send(answer(503, '')));
      const stop = new AbortController();
      if (when === 'before it begins') stop.abort();
      const ran = await run({
        dest: destIn(await tempDir()),
        manifest,
        sources: [`${server.url}/{name}`],
        signal: stop.signal,
        onEvent: (event) => {
          if (event.event === 'retry') stop.abort();
        },
      });
      expect(ran.error).toMatchObject({ code: 'aborted' });
      expect(ran.exit).toBe(130);
      expect(server.requests.length).toBeLessThan(2);
    },
  );
});

describe('#91 what is deleted while it is written', () => {
  async function withDeletion(act: (dest: string) => Promise<void>) {
    const dest = destIn(await tempDir());
    const server = await serve(async (request, reply) => {
      const bytes = honest(a.bytes, request);
      await reply.send(bytes.subarray(0, HALF));
      if (request.index === 0) await act(dest);
      await reply.send(bytes.subarray(HALF));
    });
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    return { ran, server, dest };
  }

  it('the part: it is started over', async () => {
    const { ran, server } = await withDeletion(async (dest) => {
      const { partial } = layoutOf(dest);
      await expect.poll(() => readdir(partial)).toHaveLength(2);
      for (const name of await readdir(partial)) {
        if (name.endsWith('.part')) await rename(join(partial, name), join(dest, '..', 'taken'));
      }
      await rename(join(dest, '..', 'taken'), join(dest, '.ccxri', 'taken'));
    });
    expect(ran.exit).toBe(0);
    expect(server.requests).toHaveLength(2);
  });

  it('its state: nobody minds', async () => {
    const { ran, server } = await withDeletion(async (dest) => {
      const { partial, state } = layoutOf(dest);
      await expect.poll(() => readdir(partial)).toHaveLength(2);
      for (const name of await readdir(partial)) {
        if (name.endsWith('.json')) await rename(join(partial, name), join(state, 'taken'));
      }
    });
    expect(ran.exit).toBe(0);
    expect(server.requests).toHaveLength(1);
  });

  it('the lock: nobody minds', async () => {
    const { ran } = await withDeletion(async (dest) => {
      await rename(layoutOf(dest).lock, join(layoutOf(dest).state, 'taken'));
    });
    expect(ran.exit).toBe(0);
  });

  it('#82 the dataset directory: the run stops, and does not make it again', async () => {
    const { ran, dest } = await withDeletion(async (at) => {
      await expect.poll(() => readdir(layoutOf(at).partial)).toHaveLength(2);
      await mkdir(join(at, '..', '..', 'away'));
      await rename(at, join(at, '..', '..', 'away', 'gone'));
    });
    expect(ran.outcomes).toEqual(['disk-io']);
    expect(ran.exit).toBe(6);
    await expect(readdir(dest)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
