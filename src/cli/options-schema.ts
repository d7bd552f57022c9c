import * as z from 'zod';

/** `CCXRI_STRICT=yes` as well as `--strict`. */
const flag = z
  .union([
    z.boolean(),
    z.stringbool({ truthy: ['1', 'true', 'yes', 'on'], falsy: ['0', 'false', 'no', 'off'] }),
  ])
  .default(false);

const text = z.string().min(1);

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^[0-9]+$/)
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** `a,b` and repeated options alike. */
const names = z
  .array(z.string())
  .transform((list) => list.flatMap((item) => item.split(',')).map((item) => item.trim()))
  .refine((list) => list.every((item) => item !== ''));

const seconds = z
  .string()
  .regex(/^[0-9]+(?:\.[0-9]+)?$/)
  .transform(Number)
  .pipe(z.number().min(1).max(3600));

const RATE_UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9 };

/** Bytes a second, in the decimal units in which ccxri shows every rate. */
const rate = z
  .string()
  .regex(/^[0-9]+(?:\.[0-9]+)?[KMG]?$/i)
  .transform((typed) => {
    const unit = /[KMG]$/i.exec(typed)?.[0] ?? '';
    return Math.round(Number.parseFloat(typed) * (RATE_UNITS[unit.toUpperCase()] ?? 1));
  })
  .pipe(z.number().min(1000).max(1e12));

/** RFC 9110: a token, a colon, and a value without control characters. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\u0000-\u0008\u000a-\u001f\u007f]+)$/;

const headers = z
  .array(z.string().regex(HEADER))
  .transform((lines) =>
    Object.fromEntries(
      lines.map((line) => [HEADER.exec(line)?.[1] ?? '', HEADER.exec(line)?.[2]?.trim() ?? '']),
    ),
  );

/** The form of every option's value: the border at which text becomes typed settings. */
export const settingsSchema = z.strictObject({
  subset: names.default([]),
  file: names.default([]),
  dest: text.optional(),
  manifest: text.optional(),
  source: z.array(text).default([]),
  header: headers.default({}),
  json: flag,
  ndjson: flag,
  dryRun: flag,
  quiet: flag,
  verbose: flag,
  noProgress: flag,
  color: z.enum(['auto', 'never', 'always']).default('auto'),
  yes: flag,
  noInput: flag,
  strict: flag,
  wait: flag,
  /** Default: the command's own. */
  concurrency: whole(1, 64).optional(),
  connections: whole(1, 64).default(8),
  limitRate: rate.optional(),
  retries: whole(0, 1000).default(10),
  timeout: seconds.default(30),
  noExtract: flag,
  noJoin: flag,
  deleteArchives: flag,
  quick: flag,
  deep: flag,
  output: text.optional(),
});

/** What was asked for, from flags and environment together. `timeout` is in seconds. */
export type Settings = Readonly<z.output<typeof settingsSchema>>;
export type OptionKey = keyof Settings;

/** A value as it was typed: true of a flag, else text, or texts where an option repeats. */
export type RawValue = boolean | string | readonly string[];
