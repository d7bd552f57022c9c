import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../src/abort.ts';
import { makeDirectory } from '../../src/fs/paths.ts';
import { toDiskError } from '../../src/errors.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { archiveChunks } from './archive-file.ts';
import { toManifest, type WrittenFile } from './describe-release.ts';
import { labelFilesOf } from './label-files.ts';
import { planRelease } from './plan-release.ts';
import type { ReleaseImage, ReleaseSpec } from './release-types.ts';
import { renderPage } from './render-page.ts';

/** Takes a file's bytes, in order. */
export type WriteFile = (name: string, chunks: AsyncIterable<Buffer>) => Promise<void>;

export interface Release {
  readonly manifest: Manifest;
  /** Every image of every archive, in order, with what the label files say of it. */
  readonly images: readonly ReleaseImage[];
  /** Of images that only the label files speak of. */
  readonly absent: readonly ReleaseImage[];
  /** The landing page, with links relative to itself. */
  readonly page: string;
  /** The MD5 that each file really has, also where the published one is doubled. */
  readonly written: readonly WrittenFile[];
}

/**
 * Makes the archives and label files of a release; where they go is the caller's.
 * @throws RangeError for an archive name that the dataset does not use; CcxriError `aborted`
 */
export async function composeRelease(
  spec: ReleaseSpec,
  write: WriteFile,
  signal?: AbortSignal,
): Promise<Release> {
  const plan = planRelease(spec);
  const written: WrittenFile[] = [];
  for (const archive of plan.archives) {
    throwIfAborted(signal);
    const chunks = archiveChunks(archive, spec.toJpeg);
    written.push(await writeTallied(`${archive.spec.name}.zip`, chunks, write));
  }
  for (const [name, content] of labelFilesOf(spec, plan)) {
    written.push(await writeTallied(name, [Buffer.from(content)], write));
  }
  const manifest = toManifest(spec, written);
  return {
    manifest,
    images: plan.archives.flatMap(({ images }) => images),
    absent: plan.absent,
    page: renderPage(manifest),
    written,
  };
}

/** Writes a file, and tells what was written. */
export async function writeTallied(
  name: string,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  write: WriteFile,
): Promise<WrittenFile> {
  const hash = createHash('md5');
  let bytes = 0;
  async function* tallied() {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  await write(name, tallied());
  return { name, bytes, md5: hash.digest('hex') };
}

/** Writes into a directory, a chunk at a time. */
export function intoDirectory(directory: string): WriteFile {
  return (name, chunks) =>
    pipeline(Readable.from(chunks), createWriteStream(join(directory, name)));
}

/**
 * Writes a release into a directory: the files, and beside them index.html and manifest.json.
 * @throws as `composeRelease`; of the disk
 */
export async function makeRelease(
  spec: ReleaseSpec & { readonly directory: string },
): Promise<Release> {
  const { directory } = spec;
  try {
    await makeDirectory(directory);
    const release = await composeRelease(spec, intoDirectory(directory));
    await writeFile(join(directory, 'index.html'), release.page);
    await writeFile(join(directory, 'manifest.json'), toJson(release.manifest));
    return release;
  } catch (error) {
    throw toDiskError(error, 'write the release to', { path: directory });
  }
}

/** A manifest as a file. */
export function toJson(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
