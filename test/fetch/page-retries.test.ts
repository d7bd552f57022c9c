import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

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
  expect(result.outcomes.map(({ status }) => status)).toEqual(['failed']);
  expect(asked).toBe(1);
});
