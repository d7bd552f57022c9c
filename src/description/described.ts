import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import type { Column } from './columns.ts';

/** A file of the directory that is described. */
export interface DescribedFile {
  /** Relative to the directory, with `/`. */
  readonly path: string;
  /** As `text/csv`. */
  readonly mediaType: string;
  readonly bytes: number;
  readonly sha256: string;
  /** What it holds, in a sentence. */
  readonly content: string;
  /** Its columns. Absent: it is no table. */
  readonly columns?: readonly Column[] | undefined;
}

/** What is said about a directory: a dataset directory, or an export. */
export interface Described {
  readonly manifest: Manifest;
  /** What the directory holds, in a sentence. */
  readonly content: string;
  readonly files: readonly DescribedFile[];
  /** A glob pattern of its images, each a file. Absent: there are none, or they are inside of `files`. */
  readonly images?: { readonly pattern: string; readonly mediaType: string } | undefined;
  /** The published files that all of it is made of. */
  readonly published: readonly ManifestFile[];
  /** Where a published file lies in the directory. Absent: none of them does. */
  readonly pathOf?: ((file: ManifestFile) => string) | undefined;
}

/** The publisher states no license: nobody else can. */
export const LICENSE = 'not stated by the publisher';

/** In each file that is written here, and in no other: this is how it is known again. */
export const MARK = 'Written by ccxri, which overwrites it when the data change.';

export const mediaTypeOf = ({ kind }: ManifestFile) =>
  kind === 'archive' ? 'application/zip' : 'text/csv';
