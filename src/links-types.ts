import type { CcxriError } from './errors.ts';
import type { SourceKind } from './sources/source.ts';
import type { RunOptions } from './dataset/run-options.ts';

export interface LinksOptions extends Omit<RunOptions, 'dest'> {
  /** As of fetch. Default: the manifest's homepage. */
  readonly sources?: readonly string[];
  /** Extra request headers, sent to the origins of `sources` alone. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 30,000. */
  readonly timeoutMs?: number;
  /** Proxy variables (HTTP_PROXY, HTTPS_PROXY, NO_PROXY in either case). Default: no proxy. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface LinkRow {
  readonly file: string;
  readonly kind: 'archive' | 'labels';
  readonly md5: string;
  /** The first source that has it, printable; null: none has. */
  readonly source: string | null;
  /** A URL or a path, without userinfo and without the values of secret query parameters. */
  readonly location: string | null;
  /** Why none has it. */
  readonly error?: CcxriError;
}

export interface LinksResult {
  /** One a selected file (default: every file of the manifest), in the manifest's order. */
  readonly links: readonly LinkRow[];
  /** What each source came to, in the order tried: for a person who has to find a way on. */
  readonly tried: readonly {
    readonly source: string;
    readonly kind: SourceKind;
    /** How many of the selected files it has, as far as can be told without asking for them. */
    readonly found: number;
    /** Why it has none, where it could not be read. */
    readonly error?: CcxriError;
  }[];
}
