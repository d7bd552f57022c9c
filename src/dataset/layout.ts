import nodePath, { type PlatformPath, join } from 'node:path';
import { stemOf } from '../manifest/manifest.ts';

/** Where things lie in a dataset directory (the contract's form). All paths are absolute or as given. */
export interface DatasetLayout {
  readonly root: string;
  readonly archives: string;
  readonly labels: string;
  readonly images: string;
  /** index.csv */
  readonly index: string;
  /** `.ccxri`: nothing below it is needed to use the data. */
  readonly state: string;
  /** Partial downloads with their state. */
  readonly partial: string;
  /** Private folders that extraction fills before they are renamed to images/. */
  readonly stage: string;
  readonly ledger: string;
  /** What the directories of archives list, also of archives that are not here. */
  readonly members: string;
  /** Bytes of archives that were fetched without the others. */
  readonly ranges: string;
  /** Held by the run: that of the whole directory, or of one shard (src/dataset/locks.ts). */
  readonly lock: string;
  /** Resolved links. */
  readonly links: string;
  /** The manifest that its files were accepted by, as it was loaded. */
  readonly manifest: string;
  /** The SHA-256 of that, as `sha256sum` writes it. */
  readonly manifestSum: string;
  /** The quarantine: files whose bytes were wrong. */
  readonly bad: string;
}

export function layoutOf(root: string, flavour: PlatformPath = nodePath): DatasetLayout {
  const state = flavour.join(root, '.ccxri');
  return {
    root,
    archives: flavour.join(root, 'archives'),
    labels: flavour.join(root, 'labels'),
    images: flavour.join(root, 'images'),
    index: flavour.join(root, 'index.csv'),
    state,
    partial: flavour.join(state, 'partial'),
    stage: flavour.join(state, 'stage'),
    ledger: flavour.join(state, 'ledger'),
    members: flavour.join(state, 'members'),
    ranges: flavour.join(state, 'ranges'),
    lock: flavour.join(state, 'lock'),
    links: flavour.join(state, 'links.json'),
    manifest: flavour.join(state, 'manifest.json'),
    manifestSum: flavour.join(state, 'manifest.sha256'),
    bad: flavour.join(state, 'bad'),
  };
}

export interface NamedFile {
  readonly name: string;
  readonly kind: 'archive' | 'labels';
}

/** Where a file of the manifest lies once it is whole and checked. */
export function finalPathOf(layout: DatasetLayout, file: NamedFile): string {
  return join(file.kind === 'archive' ? layout.archives : layout.labels, file.name);
}

/** The folder of an archive's extracted images. */
export function imagesPathOf(layout: DatasetLayout, archiveName: string): string {
  return join(layout.images, stemOf(archiveName));
}

/** Bytes of an archive that were fetched without the others. */
export function rangesPathOf(layout: DatasetLayout, archiveName: string): string {
  return join(layout.ranges, archiveName);
}
