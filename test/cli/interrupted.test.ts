import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { StopRequest } from '../../src/cli/exit-codes.ts';
import { fastClock } from '../support/clock.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { answer, honest, useRawServers } from '../support/raw-server.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const samples = [1, 2, 3, 4].map((n) => sampleArchive(`ChestDx-${n}.zip`, { bytes: 20_000 }));

/** A fetch of four, of which the first comes, the second is not there, and the third never ends. */
async function interrupted(...flags: readonly string[]) {
  const stop = new AbortController();
  const server = await serve(async (request, reply) => {
    const bytes = honest(samples[0]?.bytes ?? Buffer.alloc(0), request);
    if (request.path === '/ChestDx-1.zip') await reply.send(bytes);
    else if (request.path === '/ChestDx-2.zip') await reply.send(answer(404, ''));
    else {
      stop.abort(new StopRequest('SIGINT'));
      await reply.hang();
    }
  });
  const root = await tempDir();
  const manifest = join(root, 'manifest.json');
  await writeFile(manifest, JSON.stringify(manifestOf(...samples)));
  const argv = ['fetch', '--subset', 'all', '--dest', join(root, 'set'), '--manifest', manifest];
  const rest = ['--source', `${server.url}/{name}`, '--no-extract', '--concurrency', '1'];
  return await runCli([...argv, ...rest, ...flags], { signal: stop.signal, clock: fastClock() });
}

it('an interrupted fetch says what had come, what had failed, and what had not finished', async () => {
  const { code, stdout, stderr } = await interrupted();
  expect(code).toBe(130);
  expect(stdout).toContain('not done: 1 of 4 files');
  expect(stdout).toContain(' (1 downloaded; 1 failed; 2 not finished)\n');
  expect(stderr).toMatch(
    /error: stopped before the end; what was there is kept\nnext: run the same command again to continue where it stopped\n$/,
  );
});

it('so does the summary for scripts', async () => {
  const { code, stdout } = await interrupted('--ndjson');
  expect(code).toBe(130);
  const summary = documentOf(stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(summary).toMatchObject({
    event: 'summary',
    exitCode: 130,
    counts: { files: 4, downloaded: 1, failed: 1, stopped: 2 },
    errors: [{ code: 'aborted' }, { code: 'file-not-at-source', file: 'ChestDx-2.zip' }],
  });
  const { outcomes } = summary.result as { readonly outcomes: readonly { did: string }[] };
  expect(outcomes.map(({ did }) => did)).toEqual(['downloaded', 'failed', 'stopped', 'stopped']);
});
