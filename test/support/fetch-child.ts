// A process of its own that fetches, for tests that set limits on a process. Prints how it ended.
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/clock.ts';
import { isCcxriError, toErrorRecord } from '../../src/errors.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import { parseManifest } from '../../src/manifest/load.ts';

const [, , manifestPath = '', source = '', dest = '', atOnce = '4'] = process.argv;
try {
  const result = await fetchDataset({
    manifest: parseManifest(await readFile(manifestPath, 'utf8')),
    sources: [source],
    dest,
    selection: { subsets: ['all'] },
    concurrency: Number(atOnce),
    connections: Number(atOnce),
    extract: false,
    retries: 1,
    clock: { ...systemClock, sleep: () => Promise.resolve() },
  });
  const outcomes = result.outcomes.map(({ did, error }) => error?.code ?? did);
  const error = result.outcomes.find((outcome) => outcome.error !== undefined)?.error;
  const record = error === undefined ? {} : { ...toErrorRecord(error), next: error.next };
  process.stdout.write(`${JSON.stringify({ ...record, outcomes })}\n`);
} catch (error) {
  if (!isCcxriError(error)) throw error;
  process.stdout.write(`${JSON.stringify({ outcomes: [error.code], message: error.message })}\n`);
}
