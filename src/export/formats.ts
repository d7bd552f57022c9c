import { CcxriError } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { EXPORT_FORMATS, type ExportFormat, type Exporter, type FormatOptions } from './types.ts';

/** What the export must know of a format. */
interface FormatSpec {
  /** Loaded when it is written: nobody else pays for its packages. */
  readonly load: () => Promise<(options: FormatOptions) => Exporter>;
}

const table = async (kind: 'csv' | 'jsonl') => {
  const { tableExporter } = await import('./formats/table.ts');
  return (options: FormatOptions) => tableExporter(kind, options);
};

/** The formats that can be written. */
export const FORMATS: Readonly<Partial<Record<ExportFormat, FormatSpec>>> = {
  csv: { load: () => table('csv') },
  jsonl: { load: () => table('jsonl') },
};

/** @throws CcxriError `usage`: the format can't be written */
export async function loadExporter(
  format: ExportFormat,
  options: FormatOptions,
): Promise<Exporter> {
  const make = await FORMATS[format]?.load();
  if (make === undefined) throw unknownFormat(format);
  return make(options);
}

/** Those of EXPORT_FORMATS. */
export const WRITABLE_FORMATS = EXPORT_FORMATS.filter((format) => FORMATS[format] !== undefined);

/**
 * A format as somebody types it: case does not matter.
 * @throws CcxriError `usage`, with the nearest one
 */
export function toExportFormat(typed: string): ExportFormat {
  const key = typed.toLowerCase();
  const format = WRITABLE_FORMATS.find((each) => each === key);
  if (format !== undefined) return format;
  throw unknownFormat(typed);
}

function unknownFormat(typed: string): CcxriError {
  const nearest = nearestOf(typed.toLowerCase(), WRITABLE_FORMATS, (each) => each);
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  const found = toPrintable(typed, 80);
  const expected = WRITABLE_FORMATS.join(', ');
  return new CcxriError('usage', `there is no format "${found}".${guess}`, {
    ...{ found, expected },
    next: [{ kind: 'advice', text: `take one of ${expected}` }],
  });
}
