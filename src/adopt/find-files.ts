import type { Session } from '../dataset/session.ts';
import { isCcxriError } from '../errors.ts';
import { openForReading, statOrNull } from '../fs/paths.ts';
import { isImageName } from '../labels/join.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { isPlausibleSize } from '../manifest/size.ts';
import { toPrintable } from '../text.ts';
import type { LookAround } from './look-around.ts';
import type { LeftBehind } from './left.ts';
import type { SeenFile } from './walk.ts';

/** A file that may be one of the published ones, by its size and its first bytes. */
export interface PlausibleFile extends SeenFile {
  readonly bytes: number;
  /** Of that size. */
  readonly files: readonly ManifestFile[];
}

/** What may be whole files of the dataset, or zips with images of it. */
export interface FoundFiles {
  /** By path, as all lists here: the disk has no order. */
  readonly plausible: readonly PlausibleFile[];
  /** Zips of other sizes. */
  readonly zips: readonly SeenFile[];
}

/** What a file of the dataset is by its first bytes. */
const HEAD_BYTES = 512;

/**
 * Looks at every file for what may be a whole file of the dataset: by its size, then by its first bytes. Nothing
 * else is read. Images are left to `findImages`.
 * @param wanted files of the manifest that are not here
 * @throws CcxriError `aborted`; bugs
 */
export async function findFiles(
  look: LookAround,
  { session, wanted }: { readonly session: Session; readonly wanted: ReadonlySet<ManifestFile> },
  left: LeftBehind,
): Promise<FoundFiles> {
  const plausible: PlausibleFile[] = [];
  const zips: SeenFile[] = [];
  for await (const batch of look.batches()) {
    const judged = await Promise.all(batch.map((seen) => judge(seen, session.files, left)));
    for (const [at, verdict] of judged.entries()) {
      const seen = batch[at];
      if (seen === undefined || verdict === undefined) continue;
      const { bytes, files } = verdict;
      if (files.some((file) => wanted.has(file))) plausible.push({ ...seen, bytes, files });
      else if (files.length > 0) left.add('not-needed', seen.path, namesOf(files));
      else zips.push(seen);
    }
  }
  const byPath = (a: SeenFile, b: SeenFile) => (a.path < b.path ? -1 : 1);
  return { plausible: plausible.sort(byPath), zips: zips.sort(byPath) };
}

/** @returns undefined: neither a file of the dataset nor a zip. `files` is empty: a zip of another size */
async function judge(
  seen: SeenFile,
  wanted: readonly ManifestFile[],
  left: LeftBehind,
): Promise<Pick<PlausibleFile, 'bytes' | 'files'> | undefined> {
  const mayBeZip = seen.isNamed || /\.zip$/i.test(seen.name);
  if (isImageName(seen.name) && !seen.isNamed) return undefined;
  try {
    const bytes = (await statOrNull(seen.path))?.size ?? 0;
    const files = wanted.filter((file) => isPlausibleSize(file, bytes));
    if (files.length === 0 && !mayBeZip) return undefined;
    const kind = await kindByHead(seen.path);
    const ofKind = files.filter((file) => file.kind === kind);
    if (ofKind.length === 0 && !(mayBeZip && kind === 'archive')) return undefined;
    return { bytes, files: ofKind };
  } catch (error) {
    leaveUnreadable(error, seen.path, left);
    return undefined;
  }
}

function namesOf(files: readonly ManifestFile[]): string {
  const names = files.slice(0, 3).map(({ name }) => name);
  const more = files.length > names.length ? ' and others' : '';
  return `by its size ${names.join(', ')}${more}, all of them here`;
}

/** @throws what is no error of that file alone */
export function leaveUnreadable(error: unknown, path: string, left: LeftBehind): void {
  if (!isCcxriError(error) || error.code === 'aborted' || error.code === 'process-limit')
    throw error;
  left.add('unreadable', path, toPrintable(error.message));
}

/** A zip begins with PK, also one that was split and joined again; a label file is text. */
async function kindByHead(path: string): Promise<ManifestFile['kind'] | undefined> {
  const handle = await openForReading(path);
  if (handle === null) return undefined;
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
    if (head.toString('latin1', 0, 2) === 'PK') return 'archive';
    return head.subarray(0, bytesRead).every((byte) => byte >= 0x09) ? 'labels' : undefined;
  } finally {
    await handle.close();
  }
}
