import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { CcxriError, type NextStep, toDiskError } from '../errors.ts';
import { isAbsent } from '../fs/paths.ts';
import { toPrintable } from '../text.ts';
import type { Lockfile } from './types.ts';

/** Far longer than a lockfile of any release. */
const MAX_BYTES = 16 * 1024 * 1024;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const name = z.string().min(1).max(200);
const count = z.int().nonnegative();

const schema = z.strictObject({
  lockfileVersion: z.literal(1),
  ccxriVersion: z.string().min(1).max(100),
  layoutVersion: count,
  manifest: z.strictObject({ dataset: name, version: name, sha256 }),
  selection: z.strictObject({
    files: z.array(name).min(1),
    md5ListSha256: sha256,
    images: z
      .strictObject({
        labels: z.array(name),
        allLabels: z.boolean(),
        withoutLabels: z.array(name),
        patients: sha256.nullable(),
        images: sha256.nullable(),
        limit: count.nullable(),
        perLabel: count.nullable(),
        normals: count.nullable(),
        seed: z.string(),
      })
      .nullable(),
  }),
  labels: z.array(
    z.strictObject({
      file: name,
      md5: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'),
    }),
  ),
  splits: z.array(
    z.strictObject({ name, seed: z.string(), recipeSha256: sha256, rows: count, sha256: name }),
  ),
});

/** The text of a file; undefined: there is none, or it is no file. @throws CcxriError of the disk */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > MAX_BYTES) return undefined;
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw toDiskError(error, 'read the lockfile', { path });
  }
}

/**
 * Reads a lockfile.
 * @throws CcxriError `lockfile-invalid`: it is not there, is none, or of another version of its form; of
 *   the disk
 */
export async function readLockfile(path: string): Promise<Lockfile> {
  const text = await readIfThere(path);
  if (text === undefined) {
    const or = { kind: 'option', option: 'lockfile', purpose: 'if it is elsewhere' } as const;
    throw invalid(path, 'there is none', {
      kind: 'run',
      command: 'lock',
      purpose: 'to write it',
      or,
    });
  }
  const json = parse(text, path);
  const version: unknown = isRecord(json) ? json['lockfileVersion'] : undefined;
  if (typeof version === 'number' && version !== 1) {
    const what = `it has version ${version} of the form, and this ccxri reads version 1`;
    throw invalid(path, what, AGAIN);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = (issue?.path ?? []).map(String).join('.');
  throw invalid(
    path,
    toPrintable(`${where === '' ? '' : `${where}: `}${issue?.message ?? ''}`),
    AGAIN,
  );
}

const AGAIN: NextStep = { kind: 'run', command: 'lock', purpose: 'to write it anew' };

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid(path, 'it is not JSON', AGAIN);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function invalid(path: string, why: string, next: NextStep): CcxriError {
  const message = `the lockfile ${toPrintable(path, 4096)} can't be used: ${why}`;
  return new CcxriError('lockfile-invalid', message, {
    path,
    kept: 'everything: nothing was started',
    next: [next],
  });
}
