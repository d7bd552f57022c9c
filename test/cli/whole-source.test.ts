import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { answer, useRawServers } from '../support/raw-server.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

const timesIn = (text: string, part: string) => text.split(part).length - 1;

it('a page that cannot be read is reported once, not for each file', async () => {
  const server = await serve((_, reply) => reply.send(answer(500, '')));
  const page = `${server.url}/page.html`;
  const set = join(await tempDir(), 'set');
  const fetch = ['fetch', '--subset', 'viral', '--dest', set, '--source', page, '--retries', '0'];
  const { code, stdout, stderr } = await runCli(fetch);
  expect(code).toBe(4);
  const said = `could not read ${page}`;
  expect(timesIn(stdout + stderr, said)).toBe(1);
  expect(stderr).toMatch(/^error: could not read .+; needed for 3 files$/m);
  expect(stderr).not.toContain('Viral-1.zip');
  const verbose = await runCli([...fetch, '-v']);
  expect(verbose.stderr).toMatch(/Viral-1\.zip/);
});

it('an unusable source among others is given up once', async () => {
  const root = await tempDir();
  await mkdir(join(root, 'empty'));
  const [none, empty] = [join(root, 'none'), join(root, 'empty')];
  const { stderr } = await runCli([
    ...['fetch', '--subset', 'viral', '--dest', join(root, 'set')],
    ...['--source', none, '--source', empty],
  ]);
  expect(timesIn(stderr, `gave up on ${none}`)).toBe(1);
});
