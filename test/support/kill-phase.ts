import { lstat, readdir } from 'node:fs/promises';
import { finalPathOf, imagesPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import type { Manifest, ManifestFile } from '../../src/manifest/manifest.ts';
import type { Told } from './process-group.ts';

/** What a run was at when it was killed, by what it had told and what lies on the disk. */
export type Hit =
  | 'before the plan'
  | 'between'
  | 'download'
  | 'check'
  | 'rename'
  | 'adopt'
  | 'extract'
  | 'publish'
  | 'join'
  | 'end';

interface Scene {
  readonly manifest: Manifest;
  readonly dest: string;
}

/** Each once: files are under way side by side. */
export async function classifyKill(told: readonly Told[], scene: Scene): Promise<readonly Hit[]> {
  if (!told.some(({ event }) => event === 'plan')) return ['before the plan'];
  if (told.some(({ event }) => event === 'index-written')) return ['end'];
  const hits = new Set<Hit>();
  for (const file of scene.manifest.files) {
    const hit = await hitOf(file, told, scene);
    if (hit !== undefined) hits.add(hit);
  }
  if (hits.size > 0) return [...hits];
  const done = told.filter(({ event }) => event === 'file-done').length;
  return done === scene.manifest.files.length ? ['join'] : ['between'];
}

async function hitOf(
  file: ManifestFile,
  told: readonly Told[],
  { dest }: Scene,
): Promise<Hit | undefined> {
  const layout = layoutOf(dest);
  const open = openPhase(file.name, told);
  if (open === 'hash') return 'adopt';
  if (open === 'extract' || open === 'check') {
    return (await isThere(imagesPathOf(layout, file.name))) ? 'publish' : 'extract';
  }
  if (open !== 'download') return undefined;
  const final = finalPathOf(layout, file);
  const parts = await readdir(layout.partial).catch(() => []);
  if (await isThere(final)) {
    const receipt = await new Ledger(layout.ledger).readReceipt(file.name);
    return receipt === undefined || parts.some((name) => name.startsWith(`${file.name}.`))
      ? 'rename'
      : 'check';
  }
  for (const part of parts) {
    if (!part.startsWith(`${file.name}.`) || !part.endsWith('.part')) continue;
    const { size } = await lstat(`${layout.partial}/${part}`);
    if (size === file.bytes) return 'check';
  }
  return 'download';
}

/** The phase of a file that has begun and not ended. */
function openPhase(file: string, told: readonly Told[]): string | undefined {
  let open: string | undefined;
  for (const each of told) {
    if (!('file' in each) || each.file !== file) continue;
    if (each.event === 'phase-start') open = each.phase;
    if (each.event === 'phase-done' || each.event === 'file-done') open = undefined;
  }
  return open;
}

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );
