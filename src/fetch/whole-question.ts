import { type FileSurvey, knownSizeOf } from '../dataset/survey.ts';
import { CcxriError } from '../errors.ts';
import { freeBytesAt } from '../fs/paths.ts';
import { sumSizes } from '../manifest/size.ts';
import { count, formatSize } from '../text.ts';
import { assertWithinLimit } from './byte-limit.ts';
import type { FetchOptions, FetchPlan, WholeArchives } from './fetch-types.ts';
import { assertRoom, isTooSmall, planFetch } from './plan.ts';
import { choicesOf } from './with-downloads.ts';

/**
 * Whether archives of which no source serves parts may be downloaded whole. An answer holds for the archives
 * that were asked about; of others there is another question, once that one is answered.
 */
export class WholeQuestion {
  readonly #options: FetchOptions;
  readonly #answers = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();
  #alike: readonly FileSurvey[] = [];
  /** What was agreed to on a disk that looks too small. */
  #agreedBytes = 0;
  /** What the run downloads besides, by its plan. */
  #otherBytes = 0;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /** What may turn out to be refused as well: the next question is about these too. */
  expect(surveys: readonly FileSurvey[]): void {
    this.#alike = surveys;
  }

  /** What the run is going to download, if no question comes up any more. */
  expectBytes(bytes: number): void {
    this.#otherBytes = bytes;
  }

  /** Its images have come, or are known to need nothing: no question is about it any more. */
  settled(name: string): void {
    this.#alike = this.#alike.filter(({ file }) => file.name !== name);
  }

  /**
   * @param error what was met at one of them
   * @throws CcxriError `ranges-refused`: they may not; `too-many-bytes`; `disk-space`
   */
  async assertAllowed(surveys: readonly FileSurvey[], error: CcxriError): Promise<void> {
    if (surveys.some(({ file }) => !this.#answers.has(file.name))) {
      const all = new Map([...surveys, ...this.#alike].map((each) => [each.file.name, each]));
      const open = [...all.values()].filter(({ file }) => !this.#answers.has(file.name));
      const answer = this.#last.then(() => this.#ask(open));
      // What one question fails with says nothing of the next.
      this.#last = answer.catch(() => undefined);
      for (const { file } of open) this.#answers.set(file.name, answer);
    }
    for (const { file } of surveys) {
      if ((await this.#answers.get(file.name)) !== true) throw refused(surveys, error);
    }
  }

  /** @throws CcxriError `disk-space`; no question again about what takes no more than was agreed to */
  async assertRoom(plan: FetchPlan): Promise<void> {
    if (plan.bytesNeededOnDisk <= this.#agreedBytes) return;
    await assertRoom(plan, this.#options, choicesOf(this.#options));
    if (isTooSmall(plan)) this.#agreedBytes = plan.bytesNeededOnDisk;
  }

  async #ask(surveys: readonly FileSurvey[]): Promise<boolean> {
    const { allowWhole, confirmWhole, dryRun, dest, maxBytes } = this.#options;
    if (dryRun === true) return allowWhole === true;
    const cost = wholeOf(surveys);
    if (allowWhole !== true && confirmWhole === undefined) return false;
    assertWithinLimit({ ...cost, bytes: cost.bytes + this.#otherBytes }, maxBytes);
    if (allowWhole !== true && (await confirmWhole?.(cost)) !== true) return false;
    const free = await freeBytesAt(dest);
    await this.assertRoom(planFetch(surveys, choicesOf(this.#options), free).plan);
    return true;
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
