import * as z from 'zod';
import { LABEL_COLUMNS } from './label-names.ts';
import type { LabelForm } from './join.ts';

/** A kind of cell: the source of a regular expression, and the same in words. */
type Cell = readonly [pattern: string, expected: string];

/** A name in one folder. A replacement character means that the file is not UTF-8. */
const NAME: Cell = ['[^\\u0000-\\u001f\\u007f-\\u009f/\\\\\\ufffd]{1,255}', 'a plain name'];
/** Published are 0 and 1, and True and False; pandas writes 1.0 where a column had an empty cell once. */
const YES_OR_NO = '(?:[01](?:\\.0*)?|true|false)';
const FLAG: Cell = [YES_OR_NO, '0 or 1'];
const TAG: Cell = [YES_OR_NO, 'True or False'];

/** The columns that must be there, in any order; others are ignored. */
export const FORMS = {
  chest: formOf(
    ['image', NAME],
    ['zip', NAME],
    ...LABEL_COLUMNS.map((column): [string, Cell] => [column, FLAG]),
  ),
  covid: formOf(['image', NAME], ['COVID-19', TAG]),
};

function formOf(...cells: readonly [column: string, cell: Cell][]) {
  const patterns = cells.map(([, [pattern]]) => pattern);
  return {
    cells,
    columns: cells.map(([column]) => column),
    /**
     * One zod check a row, on its cells joined by line ends (which no name may hold): measured on
     * 162,000 rows, a check a cell costs more than reading the file.
     */
    rowSchema: z.string().regex(new RegExp(`^${patterns.join('\\n')}$`, 'i')),
  };
}

/** Of a cell that has the form of a flag or tag. */
export function isYes(cell: string | undefined): boolean {
  const first = cell?.[0];
  return first === '1' || first === 't' || first === 'T';
}

/** The first cell that is not of the form. @param cells in the order of the form's columns */
export function findBadCell(
  form: LabelForm,
  cells: readonly string[],
): { readonly column: string; readonly expected: string; readonly found: string } {
  for (const [at, [column, [pattern, expected]]] of FORMS[form].cells.entries()) {
    const found = cells[at] ?? '';
    if (!new RegExp(`^${pattern}$`, 'i').test(found)) return { column, expected, found };
  }
  throw new Error('every cell is of the form');
}

/**
 * Finds the archive that a row names: with or without `.zip`, in any case, with `_` for `-`. A name that
 * fits none, or two, stays what it is.
 * @param stems of the manifest's archives
 */
export function archiveResolver(stems: readonly string[]): (written: string) => string {
  const exact = new Set(stems);
  const folded = new Map<string, string | undefined>();
  for (const stem of stems) folded.set(fold(stem), folded.has(fold(stem)) ? undefined : stem);
  // Of 162,000 rows a few dozen names are different.
  const known = new Map<string, string>();
  return (written) => {
    const before = known.get(written);
    if (before !== undefined) return before;
    const stem = written.replace(/\.zip$/i, '');
    const found = exact.has(stem) ? stem : (folded.get(fold(stem)) ?? stem);
    known.set(written, found);
    return found;
  };
}

function fold(stem: string): string {
  return stem.toLowerCase().replaceAll('_', '-');
}
