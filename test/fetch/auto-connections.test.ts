import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { bigSample } from '../support/big-sample.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { type NginxOptions, hasNginx, useNginx } from '../support/nginx.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const MIB = 1024 * 1024;

const changesIn = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.event === 'connections' ? [event] : []));

describe.skipIf(!hasNginx)('without a number of connections', () => {
  async function setUp(bytes: number, options: Partial<NginxOptions> = {}) {
    const root = await tempDir();
    const file = bigSample('ChestDx-1.zip', bytes);
    await writeTree(join(root, 'mirror'), { [file.name]: file.bytes });
    const server = await nginx({ root: join(root, 'mirror'), ...options });
    const sources = [`${server.url}/{name}`];
    return { server, file, setup: { dest: destIn(root), manifest: manifestOf(file), sources } };
  }

  it('a run opens more where each one is slow, and a number that is typed is kept', async () => {
    const { file, setup } = await setUp(40 * MIB, { limitRate: '1m', sendBuffer: '64k' });
    // The rate is that of a connection: both runs at once take no longer than the slower one.
    const [ran, typed] = await Promise.all([
      run(setup),
      run({ ...setup, dest: destIn(await tempDir()), connections: 12 }),
    ]);
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBeLessThan(file.bytes.length + 6 * MIB);
    expect(changesIn(ran.events)[0]).toMatchObject({ connections: 8, before: 4, why: 'trial' });
    expect(typed.exit).toBe(0);
    expect(changesIn(typed.events)).toEqual([]);
  });

  it('a file that is small comes over one', async () => {
    const { server, setup } = await setUp(15 * MIB);
    expect((await run(setup)).exit).toBe(0);
    expect(await server.requests()).toEqual([expect.objectContaining({ status: 200, range: '' })]);
  });

  it.each([
    {
      name: '#39 allows four connections',
      extra: 'limit_conn one 4;',
      limitRate: '2m',
      refuses: 3,
    },
    { name: '#39 allows one connection', extra: 'limit_conn one 1;', limitRate: '8m' },
    { name: '#10 allows ten requests a second', extra: 'limit_req zone=often;' },
    {
      name: '#12 allows ten requests a second, and says 429',
      extra: 'limit_req zone=often burst=2 nodelay; limit_req_status 429;',
    },
  ])('a server that $name is not asked much more often than it serves', async (row) => {
    const { server, file, setup } = await setUp(30 * MIB, { ...row, sendBuffer: '64k' });
    const ran = await run(setup);
    expect(ran.exit).toBe(0);
    expect(ran.result?.bytesDownloaded).toBeLessThan(file.bytes.length + MIB);
    const statuses = (await server.requests()).map(({ status }) => status);
    const refused = statuses.filter((status) => status >= 400).length;
    expect(refused).toBeLessThanOrEqual(row.refuses ?? statuses.length - refused);
  });

  it('a run that was stopped goes on over several', async () => {
    const { server, file, setup } = await setUp(18 * MIB, { limitRate: '1m' });
    const stop = new AbortController();
    await run({
      ...setup,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === 'progress' && event.doneBytes > 4 * MIB) stop.abort();
      },
    });
    const before = (await server.requests()).length;
    const again = await run(setup);
    expect(again.exit).toBe(0);
    const kept = again.result?.plan.steps[0]?.keptBytes ?? 0;
    expect(kept).toBeGreaterThan(3 * MIB);
    expect(again.result?.bytesDownloaded).toBeLessThan(file.bytes.length - kept + 4 * MIB);
    expect((await server.requests()).length).toBeGreaterThan(before + 2);
  });
});
