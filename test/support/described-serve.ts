import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'vitest';
import { freePort } from './daemon.ts';
import { OF_DEMO } from './demo-lines.ts';
import { type DescribedOutput, FORMS } from './described-output.ts';
import { until } from './until.ts';

/** Registers the test of what is printed by `serve`: of a file, of one that has changed, and of nothing. */
export function describeServeRuns(
  described: DescribedOutput,
  copyOfFetched: () => Promise<string>,
): void {
  it('of serve', async () => {
    for (const form of FORMS) {
      const dest = await copyOfFetched();
      await appendFile(join(dest, 'archives/ChestDx-2.zip'), 'more');
      const port = await freePort();
      const stop = new AbortController();
      const argv = ['serve', ...OF_DEMO, dest, '--host', '0.0.0.0', '--port', String(port)];
      const run = described.expectForm(form, 0, argv, { signal: stop.signal });
      const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
      await until(() => get('/').then(({ ok }) => ok));
      for (const path of ['/ChestDx-1.zip', '/ChestDx-2.zip']) await (await get(path)).text();
      stop.abort();
      await run;
    }
  });
}
