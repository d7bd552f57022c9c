import { knownSizeOf } from '../dataset/survey.ts';
import type { FileSurvey } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import { sumSizes } from '../manifest/size.ts';
import { count, formatSize } from '../text.ts';
import type { FetchOptions, WholeArchives } from './fetch-types.ts';

/** Whether archives of which no source serves parts may be downloaded whole: asked once in a run. */
export class WholeQuestion {
  readonly #options: FetchOptions;
  #answer: Promise<boolean> | undefined;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /**
   * @param error what was met at one of them
   * @param alike all that may turn out to be refused as well: what the question is about
   * @throws CcxriError `ranges-refused`: they may not
   */
  async assertAllowed(
    surveys: readonly FileSurvey[],
    error: CcxriError,
    alike: readonly FileSurvey[] = surveys,
  ): Promise<void> {
    this.#answer ??= this.#ask(alike);
    if (!(await this.#answer)) throw refused(surveys, error);
  }

  async #ask(surveys: readonly FileSurvey[]): Promise<boolean> {
    const { allowWhole, confirmWhole, dryRun } = this.#options;
    if (allowWhole === true || dryRun === true) return allowWhole === true;
    return (await confirmWhole?.(wholeOf(surveys))) === true;
  }
}

function wholeOf(surveys: readonly FileSurvey[]): WholeArchives {
  const archives = surveys.map(({ file }) => file.name);
  return { archives, ...sumSizes(surveys.map(knownSizeOf)) };
}

function refused(surveys: readonly FileSurvey[], error: CcxriError): CcxriError {
  const { archives, ...size } = wholeOf(surveys);
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
