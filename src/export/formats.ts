import { CcxriError } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { imagefolderExporter } from './formats/imagefolder.ts';
import { monaiExporter } from './formats/monai.ts';
import { tableExporter } from './formats/table.ts';
import { torchxrayvisionExporter } from './formats/torchxrayvision.ts';
import { EXPORT_FORMATS, type ExportFormat, type Exporter, type FormatOptions } from './types.ts';

/** What the export must know of a format. */
interface FormatSpec {
  /** `always`: images go along; `asked`: labels alone, unless images are asked for. */
  readonly images: 'always' | 'asked';
  /** Whether each image is a file of its own. */
  readonly hasImageFiles: boolean;
  /** One with packages of its own is loaded when it is written: nobody else pays for them. */
  readonly load: () => Promise<(options: FormatOptions) => Exporter>;
}

const AS_FILES = { images: 'always', hasImageFiles: true } as const;

const table = (kind: 'csv' | 'jsonl'): FormatSpec => ({
  ...{ images: 'asked', hasImageFiles: true },
  load: () => Promise.resolve((options: FormatOptions) => tableExporter(kind, options)),
});

/** Every format: what is written by a name that is typed. */
export const FORMATS: Readonly<Record<ExportFormat, FormatSpec>> = {
  csv: table('csv'),
  jsonl: table('jsonl'),
  torchxrayvision: {
    ...AS_FILES,
    load: () => Promise.resolve(torchxrayvisionExporter),
  },
  imagefolder: {
    ...AS_FILES,
    load: () => Promise.resolve(imagefolderExporter),
  },
  webdataset: {
    ...{ images: 'always', hasImageFiles: false },
    load: async () => (await import('./formats/webdataset.ts')).webdatasetExporter,
  },
  monai: { ...AS_FILES, load: () => Promise.resolve(monaiExporter) },
  parquet: {
    ...{ images: 'asked', hasImageFiles: false },
    load: async () => (await import('./formats/parquet.ts')).parquetExporter,
  },
};

/**
 * A format as somebody types it: case does not matter.
 * @throws CcxriError `usage`, with the nearest one
 */
export function toExportFormat(typed: string): ExportFormat {
  const key = typed.toLowerCase();
  const format = EXPORT_FORMATS.find((each) => each === key);
  if (format !== undefined) return format;
  const nearest = nearestOf(key, EXPORT_FORMATS, (each) => each);
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  const found = toPrintable(typed, 80);
  const expected = EXPORT_FORMATS.join(', ');
  throw new CcxriError('usage', `there is no format "${found}".${guess}`, {
    ...{ found, expected },
    next: [{ kind: 'advice', text: `take one of ${expected}` }],
  });
}
