import { membersOf } from '../../src/dataset/member-index.ts';
import { type SingleImages, extractSingleImages } from '../../src/extract/single-images.ts';
import type { Manifest } from '../../src/manifest/manifest.ts';
import { openAtSource } from '../../src/ranges/open-ranged.ts';
import { withFetchRun } from './downloads.ts';

export interface ImagesAsked {
  readonly dest: string;
  /** Its first file is the archive. */
  readonly manifest: Manifest;
  /** A directory, or the URL of a server. */
  readonly source: string;
  /** Below images/<archive>/. */
  readonly paths: readonly string[];
  readonly signal?: AbortSignal;
}

/** Gets images of an archive without the others. */
export async function getImages(asked: ImagesAsked): Promise<SingleImages> {
  const { dest, manifest, source, paths, signal } = asked;
  const [file] = manifest.files;
  if (file === undefined) throw new Error('no file');
  const options = { dest, manifest, sources: [source], signal };
  return withFetchRun(options, async ({ session, downloads }) => {
    const { ranged } = await openAtSource(file, downloads);
    try {
      const listing = await membersOf(file, ranged, session);
      const members = listing.members.filter(({ path }) => paths.includes(path));
      return await extractSingleImages({ file, ranged, listing, members, connections: 2 }, session);
    } finally {
      await ranged.close();
    }
  });
}
