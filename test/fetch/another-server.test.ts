import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { answer, brokenOff, fromByteOf, honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const a = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(a);
const TOTAL = a.bytes.length;
const HALF = 100_000;

/** A dataset directory in which half of the file is, and the server that gave it and goes on well. */
async function halfHere({ byPage = false } = {}) {
  let isWell = false;
  const server = await serve(async (request, reply) => {
    if (isWell) await reply.send(honest(a.bytes, request));
    else {
      await reply.send(brokenOff(a.bytes, HALF));
      reply.end();
    }
  });
  const md5 = createHash('md5').update(a.bytes).digest('hex');
  const link = `<a href="${server.url}/${a.name}">${a.name}</a> ${md5}`;
  const page = await serve((_, reply) =>
    reply.send(
      answer(200, `<html><table><tr><td>${link}</table></html>`, { 'Content-Type': 'text/html' }),
    ),
  );
  const root = await tempDir();
  const dest = destIn(root);
  const source = byPage ? `${page.url}/page.html` : `${server.url}/{name}`;
  const ran = await run({ dest, manifest, sources: [source], retries: 0 });
  expect(ran.outcomes).toEqual(['network']);
  isWell = true;
  return { root, dest, server, source };
}

const startOf = (events: readonly RunEvent[]) =>
  events.find((event) => event.event === 'phase-start' && event.phase === 'download');

const planOf = async (dest: string, source: string) =>
  (
    await fetchDataset({
      ...{ dest, manifest, sources: [source], dryRun: true },
      selection: { subsets: ['all'] },
    })
  ).plan.steps[0];

describe('half of a file is here', () => {
  it('another server that cuts its answers is resumed by its own bytes, from the first on', async () => {
    const { dest } = await halfHere();
    const piece = 70_000;
    const other = await serve(async (request, reply) => {
      const bytes = honest(a.bytes, request);
      await reply.send(bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4 + piece));
      reply.end();
    });
    const ran = await run({ dest, manifest, sources: [`${other.url}/{name}`], retries: 1 });
    expect(ran.exit).toBe(0);
    expect(other.requests.map(fromByteOf)).toEqual([undefined, piece, 2 * piece]);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  it('another server starts over, says so, and the plan counts nothing of it', async () => {
    const { dest } = await halfHere();
    const other = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    const source = `${other.url}/{name}`;
    expect(await planOf(dest, source)).toMatchObject({ action: 'download', keptBytes: 0 });
    const ran = await run({ dest, manifest, sources: [source] });
    expect(ran.exit).toBe(0);
    expect(startOf(ran.events)).toMatchObject({ doneBytes: 0, uselessBytes: HALF });
    expect(other.requests.map(fromByteOf)).toEqual([undefined]);
    expect(ran.result?.bytesDownloaded).toBe(TOTAL);
  });

  it('a local directory starts over as well', async () => {
    const { root, dest } = await halfHere();
    const mirror = join(root, 'mirror');
    await writeTree(mirror, { [a.name]: a.bytes });
    expect(await planOf(dest, mirror)).toMatchObject({ action: 'download', keptBytes: 0 });
    const ran = await run({ dest, manifest, sources: [mirror] });
    expect(ran.exit).toBe(0);
    expect(startOf(ran.events)).toMatchObject({ doneBytes: 0, uselessBytes: HALF });
  });

  it.each([{ byPage: false }, { byPage: true }])(
    'the same server goes on with it: $byPage, by a page that links to another host',
    async ({ byPage }) => {
      const { dest, server, source } = await halfHere({ byPage });
      expect(await planOf(dest, source)).toMatchObject({ action: 'resume', keptBytes: HALF });
      const ran = await run({ dest, manifest, sources: [source] });
      expect(ran.exit).toBe(0);
      const start = startOf(ran.events);
      expect(start).toMatchObject({ doneBytes: HALF });
      expect(start).not.toHaveProperty('uselessBytes');
      expect(server.requests.map(fromByteOf)).toEqual([undefined, HALF]);
    },
  );
});
