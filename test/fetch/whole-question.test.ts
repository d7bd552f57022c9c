import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import type { FetchOptions } from '../../src/fetch/fetch-types.ts';
import { WholeQuestion } from '../../src/fetch/whole-question.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { surveyOf } from '../support/survey.ts';

const names = ['ChestDx-1.zip', 'ChestDx-2.zip', 'ChestDx-3.zip'];
const manifest = manifestOf(...names.map((name) => sampleArchive(name)));
const [one, two, three] = manifest.files.map((file) => surveyOf({ ...file, bytes: 1e15 }));
if (!one || !two || !three) throw new Error('no files');

const refusal = new CcxriError('ranges-refused', 'no parts');
const REFUSED = { code: 'ranges-refused' };

/** What was asked about, in the order of the questions. */
function questionOf(options: Partial<FetchOptions>) {
  const asked: (readonly string[])[] = [];
  const question = new WholeQuestion({
    ...{ dest: tmpdir(), manifest, selection: {} },
    confirmLowDisk: () => Promise.resolve(true),
    confirmWhole: ({ archives }) => {
      asked.push(archives);
      return Promise.resolve(archives.length < 2);
    },
    ...options,
  });
  return { question, asked };
}

test('an answer holds for the archives that were asked about, and no others', async () => {
  const { question, asked } = questionOf({});
  question.expect([two]);
  await expect(question.assertAllowed([one], refusal)).rejects.toMatchObject(REFUSED);
  await expect(question.assertAllowed([two], refusal)).rejects.toMatchObject(REFUSED);
  await question.assertAllowed([three], refusal);
  await expect(question.assertAllowed([one, three], refusal)).rejects.toMatchObject(REFUSED);
  expect(asked).toEqual([['ChestDx-1.zip', 'ChestDx-2.zip'], ['ChestDx-3.zip']]);
});

test('what has come in parts is not asked about, nor is room for it', async () => {
  const { question, asked } = questionOf({});
  question.expect([one, two]);
  question.settled('ChestDx-2.zip');
  await question.assertAllowed([one], refusal);
  expect(asked).toEqual([['ChestDx-1.zip']]);
});

test('a question that fails says nothing of the next', async () => {
  const { question } = questionOf({
    confirmWhole: ({ archives: [name] }) =>
      name === 'ChestDx-1.zip' ? Promise.reject(new Error('no terminal')) : Promise.resolve(true),
  });
  await expect(question.assertAllowed([one], refusal)).rejects.toThrow('no terminal');
  await question.assertAllowed([two], refusal);
});

test('one question is open at a time', async () => {
  const events: string[] = [];
  const { question } = questionOf({
    confirmWhole: async ({ archives }) => {
      events.push(`asked ${archives.join()}`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`answered ${archives.join()}`);
      return true;
    },
  });
  await Promise.all([one, two].map((survey) => question.assertAllowed([survey], refusal)));
  expect(events).toEqual(
    ['ChestDx-1.zip', 'ChestDx-2.zip'].flatMap((name) => [`asked ${name}`, `answered ${name}`]),
  );
});

test('room is asked for for all of them at once, and not again for what takes no more', async () => {
  const needed: number[] = [];
  const { question } = questionOf({
    allowWhole: true,
    confirmLowDisk: (plan) => {
      needed.push(plan.bytesNeededOnDisk);
      return Promise.resolve(true);
    },
  });
  question.expect([two]);
  await question.assertAllowed([one], refusal);
  await question.assertAllowed([two], refusal);
  expect(needed).toHaveLength(1);
  expect(needed[0]).toBeGreaterThan(2e15);
  await expect(question.assertAllowed([three], refusal)).resolves.toBeUndefined();
  expect(needed).toHaveLength(1);
});
