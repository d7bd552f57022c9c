import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import {
  type RunSetup,
  destIn,
  manifestOf,
  md5Of,
  run,
  sampleArchive,
} from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { answer, honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

it('a page that is down is asked once where no retries are wanted', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const result = await fetchDataset({
    manifest: await loadManifest(),
    dest: join(await tempDir(), 'set'),
    selection: { files: ['Viral-1'] },
    sources: [`http://127.0.0.1:${port}/page.html`],
    retries: 0,
  });
  expect(result.outcomes.map(({ did }) => did)).toEqual(['failed']);
  expect(asked).toBe(1);
});

const sample = sampleArchive('ChestDx-1.zip');
const manifest = manifestOf(sample);
const PAGE = `<table><tr><td>${md5Of(sample.bytes)}<td><a href="/f/1">download</a></table>`;
const page = (body: string) => answer(200, body, { 'Content-Type': 'text/html' });

/** Fetches by a page that is served after some other answers, and its file. */
async function fetchBy(before: readonly (Buffer | 'reset')[], options: Partial<RunSetup> = {}) {
  let asked = 0;
  const server = await serve((request, reply) => {
    if (request.path === '/f/1') return reply.send(honest(sample.bytes, request));
    if (request.path !== '/p.html') return reply.send(answer(404, ''));
    const first = before[asked] ?? page(PAGE);
    asked += 1;
    if (first !== 'reset') return reply.send(first);
    reply.reset();
    return undefined;
  });
  const dest = destIn(await tempDir());
  const ran = await run({ dest, manifest, sources: [`${server.url}/p.html`], ...options });
  return { ran, asked };
}

const json = { 'Content-Type': 'application/json' };

it.each([
  ['a busy page once', [page('<title>Busy</title>')]],
  ['an empty body once', [page('')]],
  ['JSON once', [answer(200, '{"code":1}', json)]],
  ['202 once', [answer(202, '')]],
  ['403 once', [answer(403, 'no')]],
  ['404 once', [answer(404, 'no')]],
  ['502 three times', [answer(502, ''), answer(502, ''), answer(502, '')]],
  ['503 eight times', Array.from({ length: 8 }, () => answer(503, '', { 'Retry-After': 5 }))],
  [
    'a limit told as JSON, three times',
    Array.from({ length: 3 }, () => answer(200, '{"code":429}', json)),
  ],
  ['resets', ['reset', 'reset', 'reset', 'reset'] as const],
] as const)('a run does not end because of a page that was not there: %s', async (_, before) => {
  const { ran, asked } = await fetchBy(before);
  expect({ exit: ran.exit, outcomes: ran.outcomes }).toEqual({ exit: 0, outcomes: ['downloaded'] });
  expect(asked).toBe(before.length + 1);
});

it('a run that has to wait for its page says so, with each attempt', async () => {
  const { ran } = await fetchBy(Array.from({ length: 6 }, () => answer(503, '')));
  const waits = ran.events.flatMap((event) => (event.event === 'source-retry' ? event : []));
  expect(waits.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(waits.map(({ delayMs }) => delayMs)).toEqual(ran.clock.sleeps);
  expect(waits[0]?.error.message).toMatch(/status 503 \(busy\)/);
});

it.each([
  ['a page without links', page('<title>Hello</title>'), 9],
  ['a page with other links', page('<a href="/other.zip">x</a>'), 9],
  ['no page', answer(200, '{}', json), 9],
  ['403', answer(403, ''), 4],
  ['503', answer(503, ''), 4],
] as const)(
  'the exit code of a run whose page has no link to its file: %s',
  async (_, each, exit) => {
    const { ran } = await fetchBy(
      Array.from({ length: 50 }, () => each),
      { retries: 1 },
    );
    expect(ran.exit).toBe(exit);
  },
);

it('a page that lacks one file of several is code 9 for it, and the others come', async () => {
  const other = sampleArchive('ChestDx-2.zip');
  const both = { manifest: manifestOf(sample, other) };
  const { ran } = await fetchBy([], both);
  expect({ exit: ran.exit, outcomes: ran.outcomes }).toEqual({
    exit: 9,
    outcomes: ['downloaded', 'no-link'],
  });
});

it('a fetch takes files by name where the page is made by scripts', async () => {
  const server = await serve((request, reply) => {
    if (request.path === '/cxr/ChestDx-1.zip') return reply.send(honest(sample.bytes, request));
    return reply.send(page('<div id=app></div><script src=/app.js></script>'));
  });
  const sources = [`${server.url}/cxr/`];
  const ran = await run({ dest: destIn(await tempDir()), manifest, sources });
  expect({ exit: ran.exit, outcomes: ran.outcomes }).toEqual({ exit: 0, outcomes: ['downloaded'] });
  const warnings = ran.events.flatMap((event) => (event.event === 'warning' ? event.message : []));
  expect(warnings).toContainEqual(saying('files are taken by name from there'));
});
