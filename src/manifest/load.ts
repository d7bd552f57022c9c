import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import { describeProblem } from './problems.ts';
import { manifestSchema, type Manifest } from './schema.ts';

/** The manifest that ships with ccxri: CC-CXRI 2.0, from the table on the dataset's page. */
export const BUNDLED_MANIFEST_PATH = fileURLToPath(
  // The same depth from src/manifest/, dist/manifest/ and the bundle's dist/bin/.
  new URL('../../manifests/cc-cxri.json', import.meta.url),
);

/** The form of a manifest, with an example: it comes with the package. */
const FORM_PATH = fileURLToPath(new URL('../../docs/manifest.md', import.meta.url));

/** Longer than any honest manifest; a bound against being handed something else. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/**
 * Reads and checks a manifest.
 * @param path default: the bundled one
 * @throws CcxriError `manifest-invalid`, naming the file, the field and what is wrong with it
 */
export async function loadManifest(path: string = BUNDLED_MANIFEST_PATH): Promise<Manifest> {
  return parseManifest(await readBounded(path), path);
}

/** At most so much: a pipe is a file to read as well, and may never end. */
async function readBounded(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  const stream = createReadStream(path, { end: MAX_MANIFEST_BYTES });
  try {
    for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  } catch (error) {
    throw cannotRead(error, path);
  } finally {
    stream.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function cannotRead(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  const why = errno === undefined ? undefined : WHY[errno];
  if (why === undefined) return toDiskError(error, 'read the manifest', { path });
  return new CcxriError('manifest-invalid', `there is no manifest ${toPrintable(path)}: ${why}`, {
    path,
    hint: 'give an existing file: --manifest FILE; `ccxri manifest DIR -o FILE` writes one',
    cause: error,
  });
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'it is a directory',
  EACCES: 'you may not read it (EACCES)',
  EPERM: 'you may not read it (EPERM)',
};

/** @throws CcxriError `manifest-invalid` */
export function parseManifest(text: string, path = 'manifest'): Manifest {
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) {
    throw invalid(path, ['is longer than 16 MiB: this is no manifest']);
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw invalid(path, [`is no JSON: ${error instanceof Error ? error.message : ''}`]);
  }
  const newer = newerVersion(json);
  if (newer !== undefined) {
    throw invalid(path, [`has version ${newer} of the form, this ccxri reads version 1`]);
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(
    path,
    parsed.error.issues.map((issue) => describeProblem(issue, json)),
  );
}

/** A single problem is told in the message; several are listed, each once. */
function invalid(path: string, problems: readonly string[]): CcxriError {
  const reasons = problems.slice(0, 10).map((problem) => toPrintable(problem));
  if (problems.length > 10) reasons.push(`and ${problems.length - 10} more`);
  const isOne = problems.length === 1;
  const what = isOne ? (reasons[0] ?? '') : count(problems.length, 'problem');
  return new CcxriError('manifest-invalid', `the manifest ${toPrintable(path)} is wrong: ${what}`, {
    path,
    ...(isOne ? {} : { reasons }),
    hint: `mend the manifest (${FORM_PATH} shows the form), or let \`ccxri manifest DIR\` write one from a directory of archives`,
  });
}

function newerVersion(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('manifestVersion' in json)) return undefined;
  const version = json.manifestVersion;
  return typeof version === 'number' && version > 1 ? version : undefined;
}
