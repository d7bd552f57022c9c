import { CcxriError, type ErrorFacts } from '../errors.ts';
import { formatCount, toPrintable } from '../text.ts';

/** More would not be read: a hostile archive has as many as it likes. */
const MAX_REASONS = 20;

/**
 * What is found against an archive while it is judged: reasons to refuse it, and oddities that do no
 * harm. Bounded, however much there is to find.
 */
export class Verdict {
  readonly #file: string;
  readonly #reasons: string[] = [];
  #reasonCount = 0;
  readonly #oddities = new Map<string, { first: string; count: number }>();

  /** @param file the archive's manifest name */
  constructor(file: string) {
    this.#file = file;
  }

  /** Takes note of what can harm or lose data. @param about a member's name, where it is about one */
  refuse(why: string, about?: string): void {
    this.#reasonCount += 1;
    if (this.#reasons.length >= MAX_REASONS) return;
    this.#reasons.push(about === undefined ? why : `${toName(about)}: ${why}`);
  }

  /** Takes note of what does no harm; the same of many members becomes one line. */
  warn(what: string, about = ''): void {
    const known = this.#oddities.get(what);
    if (known === undefined) this.#oddities.set(what, { first: about, count: 1 });
    else known.count += 1;
  }

  get warnings(): readonly string[] {
    return [...this.#oddities].map(([what, { first, count }]) => {
      if (first === '') return what;
      const others = count > 1 ? ` and ${formatCount(count - 1)} more` : '';
      return `${what}: ${toName(first)}${others}`;
    });
  }

  /** @throws CcxriError `unsafe-archive`, with the reasons */
  assertSafe(): void {
    const [first] = this.#reasons;
    if (first === undefined) return;
    const more = this.#reasonCount - this.#reasons.length;
    throw unsafe(this.#file, first, {
      reasons: more > 0 ? [...this.#reasons, `and ${formatCount(more)} more`] : this.#reasons,
    });
  }
}

/** A member's name as it is shown. */
export function toName(name: string): string {
  return name === '' ? '(a member without a name)' : toPrintable(name, 120);
}

export function unsafe(file: string, why: string, facts: ErrorFacts = {}): CcxriError {
  return new CcxriError('unsafe-archive', `${file} is not safe to unpack: ${why}`, {
    file,
    reasons: [why],
    kept: 'nothing of it was unpacked',
    hint: 'do not use it; get it again from another --source',
    ...facts,
  });
}

export function damaged(file: string, what: string, facts: ErrorFacts = {}): CcxriError {
  return new CcxriError('damaged-archive', `${file} is damaged: ${what}`, {
    file,
    kept: 'nothing of it was unpacked',
    hint: 'get it again with `ccxri fetch`, from another --source if it comes out the same',
    ...facts,
  });
}
