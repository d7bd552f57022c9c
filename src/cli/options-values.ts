import * as z from 'zod';

/** A number, by the form of its text and its bounds. */
export const toNumber = (form: RegExp, least: number, most: number) =>
  z.string().regex(form).transform(Number).pipe(z.number().min(least).max(most)).optional();

/** `8`, `auto`, `auto:32`. */
export const connections = z
  .string()
  .regex(/^(?:auto|(?:auto:)?[0-9]+)$/i)
  .transform((typed) => {
    const number = /[0-9]+$/.exec(typed)?.[0];
    if (number === undefined) return 'auto' as const;
    return /^auto/i.test(typed) ? { most: Number(number) } : Number(number);
  })
  .refine((value) => {
    if (value === 'auto') return true;
    const number = typeof value === 'number' ? value : value.most;
    return number >= 1 && number <= 64;
  })
  .optional();

/** `a,b` and repeated options alike. */
export const names = z
  .array(z.string())
  .transform((list) => list.flatMap((item) => item.split(',')).map((item) => item.trim()))
  .refine((list) => list.every((item) => item !== ''))
  .default([]);

const POWERS: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3 };

/**
 * A number with a unit, as people write rates: `10M`, `10MB`, `10 MB/s`, `10MiB/s`. `Mb` is none: it may
 * mean bits.
 */
const RATE = /^([0-9]+(?:\.[0-9]+)?) ?(?:([KMGkmg]?)(i?)B?|([kmg])b)(?:\/s|ps)?$/;

const bytes = z
  .string()
  .regex(RATE)
  .transform((typed) => {
    const [, number = '', unit, i, lower] = RATE.exec(typed) ?? [];
    const power = POWERS[(unit ?? lower ?? '').toUpperCase()] ?? 0;
    return Math.round(Number(number) * (i === 'i' ? 1024 : 1000) ** power);
  });

/** Bytes per second, in the decimal units in which ccxri shows every rate; with `i` in those of 1024. */
export const rate = bytes.pipe(z.number().min(1000).max(1e12));

/** Bytes, likewise. */
export const size = bytes.pipe(z.number().min(1e6).max(1e12));

/** RFC 9110: a token, a colon, and a value without control characters. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\u0000-\u0008\u000a-\u001f\u007f]+)$/;

/** A name or an address, with a port or without. */
export const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Lines as of HTTP. */
export const headers = z
  .array(z.string().regex(HEADER))
  .transform((lines) =>
    Object.fromEntries(
      lines.map((line) => [HEADER.exec(line)?.[1] ?? '', HEADER.exec(line)?.[2]?.trim() ?? '']),
    ),
  )
  .default({});

/** Bytes, likewise; none at all, too. */
export const anySize = bytes.pipe(z.number().min(0).max(1e15));

const RATIO = /^\s*([^=\s]+)\s*=\s*([0-9]*\.?[0-9]+|[0-9]+\.)\s*%?\s*$/;

/** `train=0.8,val=0.1,test=0.1`: what the names and sums may be is judged where they are used. */
export const ratios = z
  .string()
  .transform((typed) => typed.split(',').map((each) => RATIO.exec(each)))
  .refine((all) => all.every((each) => each !== null))
  .transform((all) => all.map((each) => ({ part: each?.[1] ?? '', share: Number(each?.[2]) })))
  .optional();
