import { formatBytes, formatCount } from '../text.ts';
import { FLAG, HERE, METHOD, type ZipEntry, isFolder } from './entry.ts';
import { foldName, mayBeSkipped, problemOfName } from './names.ts';
import { unreadPackingOf } from './packing.ts';
import { type ArchiveReport, type Reason, toName } from './report.ts';

/** Deflate can't do better (zlib, technical details): more can't be true. */
export const MAX_RATIO = 1032;
export const MAX_MEMBER_BYTES = 4 * 1024 ** 3;
/** Images hardly deflate; an archive that expands to more than this is made to fill a disk. */
const MAX_TOTAL_RATIO = 25;
/** For small archives of compressible files the ratio alone would be too strict. */
const FREE_TOTAL_BYTES = 64 * 1024 ** 2;

/** What the checks of the entries one by one leave. */
export interface CheckedEntries {
  /** Their names may be used. */
  readonly named: readonly ZipEntry[];
  /** Left out, each with the reason: they are no images, and some system can't have their names. */
  readonly skipped: ReadonlyMap<ZipEntry, Reason>;
}

/** Checks each entry of a directory by itself, and what they add up to. Pure. */
export function checkEntries(
  entries: readonly ZipEntry[],
  archiveBytes: number,
  report: ArchiveReport,
): CheckedEntries {
  const named: ZipEntry[] = [];
  const skipped = new Map<ZipEntry, Reason>();
  let totalBytes = 0;
  for (const entry of entries) {
    const problem = entry.nameProblem ?? problemOfName(entry.name);
    const isSkipped = problem !== undefined && mayBeSkipped(entry.name, problem);
    if (problem === undefined) named.push(entry);
    else if (!isSkipped) report.reject(problem.code, problem.text, entry.name);
    else {
      skipped.set(entry, problem);
      report.warn(`a file that is no image is left out: it ${problem.text}`, entry.name);
    }
    checkType(entry, report);
    if (isSkipped || isFolder(entry)) continue;
    checkContent(entry, report);
    totalBytes += entry.size;
  }
  if (totalBytes > FREE_TOTAL_BYTES + MAX_TOTAL_RATIO * archiveBytes) {
    report.reject(
      'total-size',
      `its members would take ${formatBytes(totalBytes)}, the archive only ${formatBytes(archiveBytes)}`,
    );
  }
  return { named, skipped };
}

/** The file types of a Unix mode (inode(7)); 0: not given. */
const TYPE_MASK = 0xf000;
const TYPE = { pipe: 0x1000, folder: 0x4000, file: 0x8000, socket: 0xc000 } as const;
const REFUSED_TYPES: ReadonlyMap<number, Reason> = new Map([
  [0xa000, { code: 'link', text: 'is a link' }],
  [0x2000, { code: 'device', text: 'is a device' }],
  [0x6000, { code: 'device', text: 'is a device' }],
]);
const DOS_FOLDER = 0x10;
/** Nothing, deflated: what some writers give a folder. */
const EMPTY_DEFLATED_BYTES = 2;

function checkType(entry: ZipEntry, report: ArchiveReport): void {
  const { name } = entry;
  const type = entry.mode & TYPE_MASK;
  const refused = REFUSED_TYPES.get(type);
  if (refused !== undefined) report.reject(refused.code, refused.text, name);
  const saysFolder = type === TYPE.folder || (type === 0 && (entry.attributes & DOS_FOLDER) !== 0);
  if (isFolder(entry)) {
    if (entry.compressedSize > EMPTY_DEFLATED_BYTES)
      report.reject('folder-with-content', 'is a folder by its name, and has content', name);
    else if (entry.size > 0) report.warn('a folder has a size', name);
    if (type === TYPE.file) report.warn('a folder is marked as a file', name);
  } else if (saysFolder) {
    report.reject('folder-or-file', 'is marked as a folder, and named as a file', name);
  }
  // `producer | zip archive -` marks its input like this; from Node the pipe is a socket.
  if (type === TYPE.pipe || type === TYPE.socket) report.warn('a file is marked as a pipe', name);
  if (!isRealDate(entry)) report.warn('a member has a date that does not exist', name);
}

function checkContent(entry: ZipEntry, report: ArchiveReport): void {
  const { name, flags, method, size, compressedSize } = entry;
  const unread = unreadPackingOf(entry);
  if ((flags & FLAG.patched) !== 0) {
    report.reject('patch', 'is a patch to another file, which ccxri does not read', name);
  } else if (unread !== undefined) {
    report.cannotRead(unread, name);
  } else if (method === METHOD.stored && size !== compressedSize) {
    report.reject('stored-sizes', 'is stored, and has two different sizes', name);
  } else if (size > MAX_RATIO * compressedSize) {
    report.reject('impossible-ratio', 'declares a size that deflate can not expand to', name);
  }
  if (size > MAX_MEMBER_BYTES) {
    report.reject('member-size', `would take ${formatCount(size)} bytes`, name);
  }
}

/** Nothing is done with dates. None at all (zero) is usual. */
function isRealDate({ date, time }: ZipEntry): boolean {
  if (date === 0 && time === 0) return true;
  const [day, month] = [date & 0x1f, (date >> 5) & 0xf];
  const [seconds, minutes, hours] = [(time & 0x1f) * 2, (time >> 5) & 0x3f, time >> 11];
  return day >= 1 && month >= 1 && month <= 12 && hours < 24 && minutes < 60 && seconds < 60;
}

/**
 * Checks whether each name can have a file of its own: none that is another one on file systems that
 * ignore case or accents, and none that is both a file and a folder. Pure. The same name twice is left
 * to `findRepeats`: it may be the same file.
 * @param entries with usable names
 * @returns whether each file has a name of its own
 */
export function checkClashes(entries: readonly ZipEntry[], report: ArchiveReport): boolean {
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  let fileCount = 0;
  for (const entry of entries) {
    if (entry.name === HERE) continue;
    const path = entry.name.replace(/\/$/, '');
    if (isFolder(entry)) noteFolder(path, folders, report);
    else {
      fileCount += 1;
      noteFile(path, files, report);
      const end = path.lastIndexOf('/');
      if (end > 0) noteFolder(path.slice(0, end), folders, report);
    }
  }
  for (const [key, name] of files) {
    if (folders.has(key)) report.reject('folder-or-file', 'is both a file and a folder', name);
  }
  return files.size === fileCount;
}

function noteFile(name: string, files: Map<string, string>, report: ArchiveReport): void {
  const key = foldName(name);
  const twin = files.get(key);
  if (twin === undefined) files.set(key, name);
  else if (twin !== name)
    report.reject(
      'clashing-names',
      `would be the same file as ${toName(twin)} on some systems`,
      name,
    );
}

/** Together with all folders above it; they are known already if it is known itself. */
function noteFolder(path: string, folders: Map<string, string>, report: ArchiveReport): void {
  for (let folder = path; folder !== ''; folder = parentOf(folder)) {
    const key = foldName(folder);
    const twin = folders.get(key);
    if (twin === folder) return;
    if (twin !== undefined) {
      report.reject(
        'clashing-names',
        `would be the same folder as ${toName(twin)} on some systems`,
        folder,
      );
      return;
    }
    folders.set(key, folder);
  }
}

function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '' : path.slice(0, end);
}
