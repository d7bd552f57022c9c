import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { namedOf } from '../dataset/images.ts';
import type { MemberContent, MemberRecord, MembersRecord } from '../dataset/ledger.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { makeDirectory } from '../fs/paths.ts';
import { rename } from '../fs/rename.ts';
import { stemOf } from '../manifest/manifest.ts';
import { count } from '../text.ts';
import type { ExtractContext } from './types.ts';

interface Replacement {
  /** What the archive has put in their place. */
  readonly record: { readonly members: readonly MemberContent[] };
  /** The folder that the images of before were moved to. */
  readonly replaced: string;
}

/**
 * Images that were adopted by their names alone, and turn out not to be those of the archive, may be the
 * user's only copy of something else: they go into quarantine, with a record of what they should have been.
 * @throws CcxriError of the disk
 */
export async function keepOtherImages(
  before: MembersRecord | undefined,
  { record, replaced }: Replacement,
  { layout, onEvent, clock }: Pick<ExtractContext, 'layout' | 'onEvent' | 'clock'>,
): Promise<void> {
  if (before === undefined) return;
  const others = otherImages(namedOf(before), record.members);
  if (others.length === 0) return;
  const { archive: file } = before;
  const folder = join(layout.bad, `${stemOf(file)}.named`);
  await makeDirectory(folder);
  try {
    for (const { path } of others) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await moveFile(join(replaced, path), join(folder, path));
    }
  } catch (error) {
    throw toDiskError(error, 'quarantine the images', { path: folder });
  }
  const facts = { file, date: clock.date().toISOString(), images: others };
  await writeFileAtomic(`${folder}.json`, `${JSON.stringify(facts, null, 2)}\n`);
  const were = count(others.length, 'image that was', 'images that were');
  const message = `${file}: ${were} adopted by name and not what the archive holds: quarantined in ${folder}`;
  onEvent({ event: 'warning', code: 'disk', file, message });
}

interface OtherImage {
  readonly path: string;
  readonly found: Pick<MemberContent, 'bytes' | 'crc32'>;
  /** null: the archive has no image of that name. */
  readonly expected: Pick<MemberContent, 'bytes' | 'crc32'> | null;
}

/** Those that are not what the archive holds under their names. Pure. */
function otherImages(
  named: readonly MemberRecord[],
  members: readonly MemberContent[],
): readonly OtherImage[] {
  const held = new Map(members.map((member) => [member.path, member]));
  return named.flatMap(({ path, bytes, crc32 }) => {
    const member = held.get(path);
    if (member?.bytes === bytes && member.crc32 === crc32) return [];
    const expected = member === undefined ? null : { bytes: member.bytes, crc32: member.crc32 };
    return [{ path, found: { bytes, crc32 }, expected }];
  });
}

/** The quarantine may be on another disk than images/. What is not there any more is not missed. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
  }
}
