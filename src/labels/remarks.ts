import { ExampleCounter, type Examples } from './label-names.ts';

export const REMARK_KINDS = [
  'no-match',
  'no-label-file',
  'image-without-row',
  'image-in-other-archive',
  'row-without-image',
  'unplaced-rows',
  'unknown-archive',
  'unexpected-image',
  'damaged-member',
  'broken-image',
  'undecodable-image',
  'contradictory-row',
  'row-without-any',
  'not-a-value',
  'repeated-image',
  'image-in-two-archives',
  'directories-differ',
  'image-in-two-directories',
  'patient-in-two-archives',
  'number-gap',
  'identical-images',
  'repeated-row',
  'unused-column',
  'stray-file',
  'unknown-folder',
  'image-in-no-part',
  'index-differs',
] as const;

/**
 * `no-match`: images whose label file is here, and has not one row that is of any of them: its names
 * are other ones; `no-label-file`: images whose label file is not here; `image-without-row`: images that their label
 * file does not have; `image-in-other-archive`: images that it has in another archive;
 * `row-without-image`: rows whose archive is here without the image;
 * `unplaced-rows`: all rows of a label file, where none is of an archive of the manifest;
 * `unknown-archive`: rows of a label file that name an archive which the manifest does not have, while
 * others name one that it has; `unexpected-image`: images in an archive's folder that the archive does not
 * have, as the ledger knows its members: they have no row; `damaged-member`: members that are damaged in
 * their archive, and have no image and no row; `broken-image`: images that are empty, cut or no image;
 * `undecodable-image`: images that can't be decoded, or whose bytes are not those that were extracted;
 * `contradictory-row`: No_Finding together with another label; `row-without-any`: neither No_Finding nor
 * another label; `not-a-value`: cells of a label file that are no value (of an audit: elsewhere they are
 * an error); `repeated-image`: a name that an archive has twice; `image-in-two-archives`: a name that two
 * archives have; `directories-differ`: images that two of the directories of a join have with other bytes: the
 * first counts; `image-in-two-directories`: images that they both have alike: counted once;
 * `patient-in-two-archives`; `number-gap`: patients whose images are not numbered from 000
 * without gaps, in an archive whose members are all known; `identical-images`: images with the length and
 * CRC-32 of another; `repeated-row`: a row that repeats an earlier one; `unused-column`: a column of a label
 * file that is not read; `stray-file`: a file under images/ that is no image; `unknown-folder`: a folder
 * under images/ that is of no archive of the manifest; `image-in-no-part`: images that are not in a split
 * that is a column of index.csv; `index-differs`: rows in which index.csv is not what
 * `join` would write (of an audit).
 */
export type RemarkKind = (typeof REMARK_KINDS)[number];

/** Something that does not add up between images and labels. */
export interface Remark extends Examples {
  readonly kind: RemarkKind;
  /** The label file concerned; of `image-in-no-part` the name of the split. Absent where none is. */
  readonly file?: string | undefined;
  /** Of `no-match`: the first rows of the label file. Absent in all other remarks. */
  readonly rowExamples?: readonly string[] | undefined;
  /**
   * true: labels are missing or in doubt, or something is not as it is known to be in the published
   * release; `--strict` makes it code 8. false: worth knowing, but also met in the published release as it
   * should be (its stray file, say).
   */
  readonly strict: boolean;
}

/** Of all others `--strict` makes code 8. */
const HARMLESS: ReadonlySet<RemarkKind> = new Set<RemarkKind>([
  'unknown-archive',
  'image-in-two-directories',
  'identical-images',
  'repeated-row',
  'unused-column',
  'stray-file',
  'unknown-folder',
  'image-in-no-part',
]);

/** Counts what does not add up, by kind and label file. No I/O. */
export class Remarks {
  readonly #counters = new Map<string, Omit<Remark, keyof Examples> & { of: ExampleCounter }>();

  note(kind: RemarkKind, example: string, file?: string): void {
    this.#counterOf(kind, file).add(example);
  }

  noteAll(kind: RemarkKind, examples: Examples, file?: string): void {
    if (examples.count > 0) this.#counterOf(kind, file).addAll(examples);
  }

  /** @param others that were counted elsewhere */
  finish(others: readonly Remark[]): readonly Remark[] {
    const counted = [...this.#counters.values()].map(({ of, ...rest }) => ({
      ...rest,
      ...of.examples(),
    }));
    return [...counted, ...others].sort(
      (a, b) => REMARK_KINDS.indexOf(a.kind) - REMARK_KINDS.indexOf(b.kind),
    );
  }

  #counterOf(kind: RemarkKind, file: string | undefined): ExampleCounter {
    const key = `${kind}\n${file ?? ''}`;
    const counter = this.#counters.get(key) ?? {
      kind,
      ...(file === undefined ? {} : { file }),
      strict: !HARMLESS.has(kind),
      of: new ExampleCounter(),
    };
    this.#counters.set(key, counter);
    return counter.of;
  }
}
