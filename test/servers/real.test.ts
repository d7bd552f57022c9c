import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { quickClock } from '../support/clock.ts';
import { type CutAnswers, useCuttingRelays } from '../support/cutting-relay.ts';
import { isInstalled, versionOf } from '../support/daemon.ts';
import { LEVEL } from '../support/rounds.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { SIZES, type Size } from './exchange.ts';
import { judge, playAll, VERSIONS } from './judge.ts';
import { REAL_SERVERS, type RealServer, type Roots } from './real-exchanges.ts';
import { fetchWith } from './run-exchange.ts';
import { leaveLeaf, leaveRow } from './table.ts';

/** Place of this file in docs/servers.md. */
const AT = 6;
const CUT_TITLES = { none: '', each: ', each answer cut', first: ', first answer cut' } as const;

let roots: Roots;

/** The files, twice, where a server that has given up its rights can read them. */
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ccxri-served-'));
  await chmod(directory, 0o755);
  roots = [join(directory, 'first'), join(directory, 'second')];
  const files: Record<string, Buffer> = {};
  for (const [size, { name, bytes }] of Object.entries(SIZES)) {
    files[`${folderOf(size)}/${name}`] = bytes;
  }
  for (const root of roots) await writeTree(root, files);
  return () => rm(directory, { recursive: true, force: true });
});

const folderOf = (size: string) => size.replace(' ', '');

/** With rivals both; else large without a cut, for the connections, and small with one, for the resume. */
const sizesOf = (cut: CutAnswers, withRivals: boolean): readonly Size[] =>
  withRivals ? ['2 MB', '24 MB'] : [cut === 'none' ? '24 MB' : '2 MB'];

interface RealExchange {
  readonly title: string;
  readonly size: Size;
  readonly cut: CutAnswers;
}

type Chosen = RealServer & { readonly withRivals: boolean };

function exchangesOf(server: Chosen): readonly RealExchange[] {
  const { name, cuts = ['none', 'each'], withRivals } = server;
  return cuts.flatMap((cut) =>
    sizesOf(cut, withRivals).map((size) => ({
      title: `${name}, ${size}${CUT_TITLES[cut]}`,
      size,
      cut,
    })),
  );
}

const kinds = new Map(
  [...new Set(REAL_SERVERS.map(({ kind }) => kind))].map((kind) => [kind, isInstalled(kind)]),
);
const chosen = REAL_SERVERS.filter(({ isLong }) => LEVEL === 'full' || isLong !== true)
  .filter(({ kind }) => kinds.get(kind) === true)
  // In brief, the rivals play on some.
  .map((server, index): Chosen => ({ ...server, withRivals: LEVEL === 'full' || index % 5 === 0 }));
const titles = chosen.flatMap((server) => exchangesOf(server).map(({ title }) => title));
const rows = inject('exchangeRows');
if (rows !== undefined) {
  const servers = [...kinds]
    .filter(([, isHere]) => isHere)
    .map(([kind]) => [kind.name, versionOf(kind)]);
  const versions = { ...VERSIONS, ...(Object.fromEntries(servers) as typeof VERSIONS) };
  leaveLeaf(rows, { at: AT, due: titles.length, versions });
}

describe.each(chosen)('$name', (server) => {
  const tempDir = useTempDirs();
  const relay = useCuttingRelays();
  let running: Awaited<ReturnType<RealServer['start']>>;
  beforeAll(async () => {
    running = await server.start(roots);
  });
  afterAll(() => running.stop());

  it.each(exchangesOf(server))('$title', async ({ title, size, cut }) => {
    const { isPlaced = true, user = '' } = server;
    const directory = await tempDir();
    const totalBytes = SIZES[size].bytes.length;
    const played = await playAll(async (client) => {
      const line = await relay({ port: running.port, cut, unsizedBytes: totalBytes });
      const origin = running.behind ?? line.url;
      const baseUrl = `${origin.replace('//', `//${user}`)}/${folderOf(size)}`;
      const proxy = { http_proxy: line.url, HTTP_PROXY: line.url };
      const env = running.behind === undefined ? {} : proxy;
      const came = await fetchWith(client, { baseUrl, size, directory, env, clock: quickClock() });
      return { ...came, ratio: line.sentBytes() / totalBytes };
    }, server.withRivals);
    if (rows !== undefined) {
      const { ccxri, others: rivals } = played;
      const row = { group: 'Real servers', title, isPlaced, ccxri, rivals };
      leaveRow(rows, [AT, titles.indexOf(title)], row);
    }
    judge({ ...server, size }, played);
  });
});
