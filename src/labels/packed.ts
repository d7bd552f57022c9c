import { forEachAtOnce } from '../concurrency.ts';
import { type DatasetLayout, finalPathOf } from '../dataset/layout.ts';
import { type Ledger, toMemberContents } from '../dataset/ledger.ts';
import { stateOf } from '../dataset/survey.ts';
import { statOrNull } from '../fs/paths.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { withDirectory } from '../zip/directory.ts';
import { openFileReader } from '../zip/reader.ts';
import { type ArchiveFacts, type ArchiveFolder, isImagePath } from './join.ts';

/** Directories read at once. */
const AT_ONCE = 4;

interface PackedSource {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly manifest: Manifest;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The archives among these that are here and checked: what they have, without extracting it. Others are
 * left out.
 * @throws CcxriError as `withDirectory`
 */
export async function packedArchives(
  archives: readonly ArchiveFacts[],
  source: PackedSource,
): Promise<readonly ArchiveFolder[]> {
  const found: ArchiveFolder[] = [];
  await forEachAtOnce(archives, AT_ONCE, async (archive) => {
    const packed = await readPacked(archive, source);
    if (packed !== undefined) found.push(packed);
  });
  return found;
}

async function readPacked(
  archive: ArchiveFacts,
  { layout, ledger, manifest, signal }: PackedSource,
): Promise<ArchiveFolder | undefined> {
  const file = manifest.files.find(({ name }) => name === archive.file);
  const receipt = await ledger.readReceipt(archive.file);
  if (file === undefined || receipt === undefined) return undefined;
  const path = finalPathOf(layout, file);
  const stats = await statOrNull(path);
  if (stats === null || stateOf(file, receipt, stats) !== 'checked') return undefined;
  const reader = await openFileReader(path);
  try {
    const options = { file: archive.file, signal };
    return await withDirectory(reader, options, ({ members: all }) => {
      const contents = toMemberContents(all);
      const members = contents.map((each) => ({ ...each, state: receipt.status }));
      const paths = members.map((member) => member.path);
      return Promise.resolve({
        ...archive,
        images: paths.filter(isImagePath),
        strays: paths.filter((each) => !isImagePath(each)),
        packed: {
          ledgerVersion: 2,
          archive: archive.file,
          md5: receipt.md5,
          isComplete: true,
          extractedAt: receipt.checkedAt,
          members,
        },
      });
    });
  } finally {
    await reader.close();
  }
}
