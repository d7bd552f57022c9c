import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { WholeQuestion } from '../../src/fetch/whole-question.ts';
import { MANIFEST, fetchOf } from '../support/demo-lines.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { useCountingServers } from '../support/counting-server.ts';
import { makeSmallRelease, choiceOf, runImages } from '../support/chosen-images.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { surveyOf } from '../support/survey.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useCountingServers();

test('--max-bytes refuses a plan of more before anything is downloaded, also of a dry run', async () => {
  const dest = join(await tempDir(), 'set');
  for (const more of [['-n'], []]) {
    const line = [...fetchOf('all', dest), '--max-bytes', '10K', '--json', ...more];
    const { code, stdout } = await runCli(line);
    expect(code).toBe(2);
    const { errors } = documentOf(stdout);
    expect(errors).toMatchObject([{ code: 'too-many-bytes', expected: '10 KB at most' }]);
    expect(errors[0]?.message).toMatch(/would download .* KB, more than 10 KB/);
    expect(await readdir(join(dest, 'archives')).catch(() => [])).toEqual([]);
  }
  const enough = [...fetchOf('all', dest), '--max-bytes', '5GB'];
  expect((await runCli(enough)).code).toBe(0);
  // Nothing is to come any more.
  expect((await runCli([...fetchOf('all', dest), '--max-bytes', '0'])).code).toBe(0);
  expect((await runCli(['fetch', '--manifest', MANIFEST, '--max-bytes', 'x'])).code).toBe(2);
});

test('counts single images with the label files that say which they are', async () => {
  const { manifest, directory } = await makeSmallRelease(await tempDir());
  const server = await serve(directory);
  const sources = [`${server.url}/{name}`];
  const images = choiceOf({ limit: 6 });
  const refused = async (maxBytes: number) => {
    const run = runImages(await tempDir(), { manifest, sources, images, maxBytes });
    return (await run).error;
  };
  const before = server.of('chest_dx.csv').requests;
  expect(await refused(10)).toMatchObject({ code: 'too-many-bytes' });
  expect(server.of('chest_dx.csv').requests).toBe(before);
  const whole = await runImages(await tempDir(), { manifest, sources, images, maxBytes: 1e9 });
  expect(whole.exit).toBe(0);
  const bytes = whole.result?.bytesDownloaded ?? 0;
  expect(await refused(Math.floor(bytes / 2))).toMatchObject({ code: 'too-many-bytes' });
});

test('counts archives that have to come whole, beside the images, and asks nobody in vain', async () => {
  const manifest = manifestOf(sampleArchive('ChestDx-1.zip', { bytes: 200_000 }));
  const [file] = manifest.files;
  if (file === undefined) throw new Error('no file');
  let asked = 0;
  const question = new WholeQuestion({
    ...{ dest: await tempDir(), manifest, selection: {}, maxBytes: 500_000 },
    confirmWhole: () => Promise.resolve((asked += 1) > 0),
  });
  question.expectBytes(400_000);
  const refusal = new CcxriError('ranges-refused', 'no parts');
  const of = surveyOf({ ...file, bytes: 200_000 });
  const refused = question.assertAllowed([of], refusal);
  await expect(refused).rejects.toMatchObject({ code: 'too-many-bytes' });
  expect(asked).toBe(0);
});
