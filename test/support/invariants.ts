import { createHash } from 'node:crypto';
import { lstat, readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'vitest';
import { finalPathOf, imagesPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import { DESCRIPTION_FILES } from '../../src/description/write-description.ts';
import { type Manifest, type ManifestFile, stemOf } from '../../src/manifest/manifest.ts';
import { isPlausibleSize } from '../../src/manifest/size.ts';
import { listTree } from './temp-dirs.ts';

export interface InvariantOptions {
  readonly dest: string;
  readonly manifest: Manifest;
  /** What lay beside the dataset directory before: `surroundings(dest)`. */
  readonly before?: Surroundings;
  /** Files that the user has put there, by their path below dest: they are as they were. */
  readonly foreign?: Readonly<Record<string, string | Uint8Array>>;
}

/** Every name beside a directory with size and content, for I3. */
export type Surroundings = ReadonlyMap<string, string>;

export async function surroundings(dest: string): Promise<Surroundings> {
  const parent = dirname(dest);
  const found = new Map<string, string>();
  for (const name of await listTree(parent)) {
    if (name === basename(dest) || name.startsWith(`${basename(dest)}/`)) continue;
    found.set(name, await describe(join(parent, name)));
  }
  return found;
}

async function describe(path: string): Promise<string> {
  const stats = await lstat(path);
  if (!stats.isFile()) return stats.isDirectory() ? 'directory' : 'other';
  return `${stats.size} ${md5Of(await readFile(path))}`;
}

const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

/**
 * What must hold of a dataset directory after whatever has happened (I1, I2, I3, I6 of the catalogue,
 * and that nothing half or temporary lies where users look).
 */
export async function checkInvariants(options: InvariantOptions): Promise<void> {
  expect(await violations(options)).toEqual([]);
}

export async function violations(options: InvariantOptions): Promise<readonly string[]> {
  const { dest, manifest, before, foreign = {} } = options;
  const found: string[] = [];
  for (const file of manifest.files) {
    if (foreign[finalName(file)] === undefined) found.push(...(await judgeFinal(file, dest)));
    if (file.kind === 'archive') found.push(...(await judgeImages(file, options)));
  }
  for (const [path, content] of Object.entries(foreign)) {
    const now = await readFile(join(dest, path)).catch(() => undefined);
    if (now === undefined || !now.equals(Buffer.from(content))) found.push(`I6: ${path} changed`);
  }
  found.push(...(await judgeNames(options)), ...(await judgeIndex(options)));
  const after = before === undefined ? undefined : await surroundings(dest);
  if (after !== undefined && JSON.stringify([...after]) !== JSON.stringify([...(before ?? [])])) {
    found.push(`I3: something beside the dataset changed: ${[...after.keys()].join(', ')}`);
  }
  return found;
}

const finalName = ({ kind, name }: ManifestFile) =>
  `${kind === 'archive' ? 'archives' : 'labels'}/${name}`;

/** I1: a final name means whole, checked bytes. */
async function judgeFinal(file: ManifestFile, dest: string): Promise<readonly string[]> {
  const layout = layoutOf(dest);
  const bytes = await readFile(finalPathOf(layout, file)).catch(() => undefined);
  if (bytes === undefined) return [];
  const found: string[] = [];
  if (!isPlausibleSize(file, bytes.length)) found.push(`I1: ${file.name} has a wrong size`);
  const md5 = md5Of(bytes);
  if (md5 === file.md5) return found;
  const receipt = await new Ledger(layout.ledger).readReceipt(file.name);
  const passed = file.md5Disputed !== undefined && receipt?.status === 'content-checked';
  if (!passed || receipt.md5 !== md5) found.push(`I1: ${file.name} has wrong bytes`);
  return found;
}

/** I2: images/<archive> means all its members, each right. */
async function judgeImages(
  file: ManifestFile,
  { dest, foreign = {} }: InvariantOptions,
): Promise<readonly string[]> {
  const layout = layoutOf(dest);
  const root = imagesPathOf(layout, file.name);
  const names = await listFiles(root);
  const own = names.filter((name) => {
    return foreign[`images/${stemOf(file.name)}/${name}`] === undefined;
  });
  if (own.length === 0) return [];
  const record = await new Ledger(layout.ledger).readMembers(file.name);
  if (record === undefined) return [`I2: the ledger does not know images/${stemOf(file.name)}`];
  const expected = record.members.map(({ path }) => path).sort();
  if (JSON.stringify(expected) !== JSON.stringify([...own].sort())) {
    return [`I2: images/${stemOf(file.name)} is not whole`];
  }
  const wrong: string[] = [];
  for (const member of record.members) {
    const bytes = await readFile(join(root, member.path));
    const isRight = bytes.length === member.bytes && crc32(bytes) === member.crc32;
    if (!isRight) wrong.push(`I2: ${file.name}: ${member.path} is wrong`);
  }
  return wrong;
}

async function listFiles(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** I3: the dataset's own index lies in the dataset: through a link it would be written elsewhere. */
async function judgeIndex({ dest, foreign = {} }: InvariantOptions): Promise<readonly string[]> {
  if (foreign['index.csv'] !== undefined) return [];
  const stats = await lstat(join(dest, 'index.csv')).catch(() => undefined);
  return stats === undefined || stats.isFile() ? [] : ['I3: index.csv is no file of the dataset'];
}

/** Nothing temporary outside .ccxri, nothing forgotten in it. */
async function judgeNames(options: InvariantOptions): Promise<readonly string[]> {
  const { dest, manifest, foreign = {} } = options;
  const folders = ['archives', 'labels', 'images', '.ccxri', 'index.csv', ...DESCRIPTION_FILES];
  const finals = new Set(manifest.files.map(finalName));
  const names = await listTree(dest).catch(() => []);
  return names.flatMap((name) => {
    const isForeign = Object.keys(foreign).some(
      (path) => path === name || path.startsWith(`${name}/`),
    );
    const [top = '', ...rest] = name.split('/');
    if (isForeign) return [];
    if (!folders.includes(top)) return [`a stray ${name}`];
    if (['archives', 'labels'].includes(top) && rest.length > 0 && !finals.has(name)) {
      return [`a stray ${name}`];
    }
    if (name === '.ccxri/lock') return ['the lock was left'];
    if (/^\.ccxri\/stage\/./.test(name)) return [`a stage was left: ${name}`];
    if (/\.tmp$/.test(name)) return [`a temporary file was left: ${name}`];
    return [];
  });
}
