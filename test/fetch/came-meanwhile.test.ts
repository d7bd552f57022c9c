import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { finalPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

it('a file that another run brings after the plan is not downloaded once more', async () => {
  const sample = sampleArchive('ChestDx-1.zip');
  const manifest = manifestOf(sample);
  const server = await serve((request, reply) => reply.send(honest(sample.bytes, request)));
  const dest = destIn(await tempDir());
  const ran = await run({
    dest,
    manifest,
    sources: [`${server.url}/{name}`],
    onEvent: ({ event }) => {
      if (event !== 'plan') return;
      for (const file of manifest.files) {
        const path = finalPathOf(layoutOf(dest), file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, sample.bytes);
      }
    },
  });
  expect(ran.outcomes).toEqual(['checked']);
  expect(server.requests).toEqual([]);
});
