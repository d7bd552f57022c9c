import { quoteForShell } from '../text.ts';
import type { Selection } from './select.ts';

/** A selection as it is typed, for a command that is suggested: ` --subset viral --file Other-1`. */
export function selectionFlags({ subsets = [], files = [] }: Selection): string {
  return [
    ...subsets.map((name) => ` --subset ${quoteForShell(name)}`),
    ...files.map((name) => ` --file ${quoteForShell(name)}`),
  ].join('');
}
