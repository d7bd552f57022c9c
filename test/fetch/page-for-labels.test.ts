import { expect, it } from 'vitest';
import { destIn, manifestOf, run, sampleLabels } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { useRawServers, whole } from '../support/raw-server.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

it('#8 a web page of the very length of a label file is recognised by its first bytes', async () => {
  const sample = sampleLabels('chest_dx.csv', 'image,zip\n'.padEnd(3000, 'x'));
  const page = Buffer.from('\ufeff \n<!DOCTYPE html><title>log in</title>'.padEnd(2998, ' '));
  expect(page).toHaveLength(sample.bytes.length);
  const server = await serve((_, reply) => reply.send(whole(page)));
  const dest = destIn(await tempDir());
  const sources = [`${server.url}/{name}`];
  const ran = await run({ dest, manifest: manifestOf(sample), sources, retries: 0 });
  expect(ran.result?.outcomes[0]?.error).toMatchObject({
    code: 'not-the-file',
    message: saying('is a web page'),
    facts: { kept: 'nothing of it' },
  });
  expect(server.requests).toHaveLength(1);
  expect((await listTree(dest)).filter((path) => /labels\/|bad/.test(path))).toEqual([]);
});
