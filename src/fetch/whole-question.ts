import { knownSizeOf } from '../dataset/survey.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import { type Size, sumSizes } from '../manifest/size.ts';
import { count, formatSize } from '../text.ts';
import type { FetchOptions } from './fetch-types.ts';

/** Whether archives of which no source serves parts may be downloaded whole: asked once in a run. */
export class WholeQuestion {
  readonly #options: FetchOptions;
  #isAllowed: boolean;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#isAllowed = options.allowWhole === true;
  }

  /** @throws CcxriError `ranges-refused`: they may not. @param error what was met at one of them */
  async assertAllowed(surveys: readonly FileSurvey[], error: CcxriError): Promise<void> {
    if (this.#isAllowed) return;
    const size = sumSizes(surveys.map(knownSizeOf));
    const archives = surveys.map(({ file }) => file.name);
    const { confirmWhole, dryRun } = this.#options;
    const ask = dryRun === true ? undefined : confirmWhole;
    if ((await ask?.({ archives, ...size })) !== true) throw refused(archives, size, error);
    this.#isAllowed = true;
  }
}

function refused(archives: readonly string[], size: Size, error: CcxriError): CcxriError {
  const many = count(archives.length, 'archive');
  const [first = ''] = archives;
  const which = archives.length === 1 ? `${first} whole` : `the ${many} whole`;
  const message = `single images can't be fetched: ${error.facts.url ?? 'the source'} does not serve parts of files; ${which} would be ${formatSize(size)}`;
  return new CcxriError('ranges-refused', message, {
    ...error.facts,
    file: archives.length === 1 ? first : undefined,
    expected: 'a server that serves byte ranges',
    reasons: archives.length === 1 ? undefined : archives,
    kept: 'nothing was fetched of them',
    next: [
      {
        kind: 'option',
        option: 'allow-whole',
        or: { kind: 'option', option: 'source', purpose: 'that serves byte ranges' },
      },
    ],
    cause: error,
  });
}
