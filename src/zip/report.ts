import { CcxriError, type ErrorFacts, type NextStep, isCcxriError } from '../errors.ts';
import { formatCount, toPrintable } from '../text.ts';

/**
 * Why an archive is rejected: a code for each rule. `compression-method` and `encrypted` alone do not
 * make it unsafe.
 */
export type RejectCode =
  | 'absolute-path'
  | 'ambiguous-end-record'
  | 'ambiguous-zip64'
  | 'backslash'
  | 'clashing-names'
  | 'compression-method'
  | 'contradicting-end-records'
  | 'control-characters'
  | 'descriptor-mismatch'
  | 'device'
  | 'device-name'
  | 'directory-place'
  | 'directory-size'
  | 'duplicate-name'
  | 'empty-path-part'
  | 'encrypted'
  | 'entry-count'
  | 'expands-beyond-size'
  | 'folder-or-file'
  | 'folder-with-content'
  | 'forbidden-character'
  | 'header-mismatch'
  | 'header-missing'
  | 'impossible-ratio'
  | 'link'
  | 'member-size'
  | 'name-too-long'
  | 'no-name'
  | 'not-utf-8'
  | 'outside-archive'
  | 'overlap'
  | 'patch'
  | 'path-too-deep'
  | 'path-too-long'
  | 'path-traversal'
  | 'second-name'
  | 'split-archive'
  | 'stored-sizes'
  | 'total-size'
  | 'trailing-data'
  | 'trailing-dot-or-space'
  | 'unlisted-member'
  | 'wrong-entry-count';

export interface Reason {
  readonly code: RejectCode;
  /** For people. */
  readonly text: string;
}

/** How a member is packed, where ccxri does not read that. */
export interface Packing {
  readonly code: RejectCode & ('compression-method' | 'encrypted');
  /** `is packed by deflate64` */
  readonly how: string;
  /** Programs that read it; empty: none that is common does. */
  readonly tools: readonly string[];
}

/** A hostile archive may have any number of them. */
const MAX_REASONS = 20;

/** The results of an archive's check: reasons to reject it, and harmless warnings. Bounded in size. */
export class ArchiveReport {
  readonly #file: string;
  readonly #reasons: Reason[] = [];
  #reasonCount = 0;
  #damage: string | undefined;
  #unread: { readonly packing: Packing; readonly about: string } | undefined;
  readonly #warnings = new Map<string, { first: string; count: number }>();

  /** @param file the archive's manifest name */
  constructor(file: string) {
    this.#file = file;
  }

  /** Adds what can do harm or lose data. @param about a member's name, if the reason is about one */
  reject(code: RejectCode, text: string, about?: string): void {
    this.#reasonCount += 1;
    if (this.#reasons.length >= MAX_REASONS) return;
    this.#reasons.push({ code, text: about === undefined ? text : `${toName(about)}: ${text}` });
  }

  /** Notes what makes it unreadable, without doing harm. Where there is more, the first counts. */
  damage(text: string, about: string): void {
    this.#damage ??= `${toName(about)}: ${text}`;
  }

  /** Notes a member that is packed in a way that ccxri does not read. */
  cannotRead(packing: Packing, about: string): void {
    this.#unread ??= { packing, about };
  }

  /** Adds a harmless oddity; the same about many members becomes one line. */
  warn(what: string, about = ''): void {
    const known = this.#warnings.get(what);
    if (known === undefined) this.#warnings.set(what, { first: about, count: 1 });
    else known.count += 1;
  }

  get warnings(): readonly string[] {
    return [...this.#warnings].map(([what, { first, count }]) => {
      if (first === '') return what;
      const others = count > 1 ? ` and ${formatCount(count - 1)} more` : '';
      return `${what}: ${toName(first)}${others}`;
    });
  }

  /** Nothing but oddities was found. */
  get isUsable(): boolean {
    return this.#reasonCount === 0 && this.#damage === undefined && this.#unread === undefined;
  }

  /** @throws CcxriError `unsafe-archive`, with the reasons; `damaged-archive` */
  assertUsable(): void {
    const [first] = this.#reasons;
    if (first !== undefined) throw this.#unsafe(first);
    if (this.#damage !== undefined) throw damaged(this.#file, this.#damage);
    if (this.#unread !== undefined) throw unread(this.#file, this.#unread);
  }

  #unsafe(first: Reason): CcxriError {
    const more = this.#reasonCount - this.#reasons.length;
    const reasons = this.#reasons.map(({ text }) => text);
    return unsafe(this.#file, first, {
      reasons: more > 0 ? [...reasons, `and ${formatCount(more)} more`] : reasons,
      reasonCodes: this.#reasons.map(({ code }) => code),
    });
  }
}

/** A member's name for display. */
export function toName(name: string): string {
  return name === '' ? '(a member without a name)' : toPrintable(name, 120);
}

export function unsafe(file: string, { code, text }: Reason, facts: ErrorFacts = {}): CcxriError {
  return new CcxriError('unsafe-archive', `${file} is not safe to unpack: ${text}`, {
    file,
    reasons: [text],
    reasonCodes: [code],
    kept: 'nothing was unpacked',
    next: [
      { kind: 'advice', text: 'do not use it' },
      { kind: 'option', option: 'source', purpose: 'to get it from elsewhere' },
    ],
    ...facts,
  });
}

export function damaged(file: string, what: string, facts: ErrorFacts = {}): CcxriError {
  return new CcxriError('damaged-archive', `${file} is damaged: ${what}`, {
    file,
    kept: 'nothing was unpacked',
    next: [
      { kind: 'run', command: 'fetch', files: [file], purpose: 'to get it again' },
      {
        kind: 'option',
        option: 'source',
        purpose: 'to get it from elsewhere if that is no better',
      },
    ],
    ...facts,
  });
}

function unread(
  file: string,
  { packing, about }: { readonly packing: Packing; readonly about: string },
): CcxriError {
  const { code, how, tools } = packing;
  const folder = `images/${file.replace(/\.zip$/i, '')} of the dataset directory`;
  const next: readonly NextStep[] =
    tools.length === 0
      ? [{ kind: 'advice', text: 'ask its publisher for one that is packed as usual' }]
      : [
          { kind: 'advice', text: `unpack it with ${tools.join(' or ')} into ${folder}` },
          { kind: 'run', command: 'join', purpose: 'to index its images' },
        ];
  return new CcxriError('damaged-archive', `${file} ${how}, which ccxri does not read`, {
    file,
    reasons: [`${toName(about)}: ${how}`],
    reasonCodes: [code],
    kept: 'nothing was unpacked',
    next,
  });
}

/** An archive that may be right, but is packed in a way that ccxri does not read. */
export function isUnread(error: unknown): boolean {
  if (!isCcxriError(error, 'damaged-archive')) return false;
  const { reasonCodes = [] } = error.facts;
  return reasonCodes.includes('compression-method') || reasonCodes.includes('encrypted');
}
