import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { whenFilesAreFree } from '../concurrency.ts';
import { CcxriError, errnoOf, toDiskError } from '../errors.ts';
import { toPrintable } from '../text.ts';
import { type Member, withDirectory } from '../zip/directory.ts';
import { PackedRooms, fitsInMemory, readMember } from '../zip/inflate.ts';
import { type FileReader, openFileReader } from '../zip/reader.ts';
import { ImageBatches, type ReadAhead } from './image-batches.ts';
import type { MemberContent } from './ledger.ts';

export interface OpenImagesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Images of an archive that are unpacked before they are asked for. Default: each when it is. */
  readonly ahead?: ReadAhead | undefined;
}

/** The images of one archive, wherever they are. To be closed. */
export interface ImageReader {
  /**
   * The bytes of an image, compared with the length and CRC-32 that are known of it. Several may be read at
   * once.
   * @param path below images/<archive>/
   * @throws CcxriError `damaged-archive`: its bytes are other ones; `missing`; of the disk
   */
  read(path: string): Promise<Uint8Array>;
  /** The bytes of an image are not looked at any more, so that their memory may be used again. */
  giveBack?: (path: string) => void;
  close(): Promise<void>;
}

/**
 * Reads images from their folder.
 * @param folder images/<archive>
 * @param members what is known of them, by path; of an image that is not among them nothing is compared
 */
export function folderReader(
  folder: string,
  members: ReadonlyMap<string, MemberContent>,
): ImageReader {
  return {
    read: async (path) => {
      const content = await readImage(join(folder, path));
      const known = members.get(path);
      if (known === undefined) return content;
      const isSame = known.bytes === content.length && known.crc32 === crc32(content);
      if (!isSame) throw otherBytes(join(folder, path));
      return content;
    },
    close: () => Promise.resolve(),
  };
}

async function readImage(path: string): Promise<Buffer> {
  try {
    return await whenFilesAreFree(() => readFile(path));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toDiskError(error, 'read', { path });
    const next = [{ kind: 'run', command: 'extract', purpose: 'to unpack it again' }] as const;
    throw new CcxriError('missing', `${toPrintable(path, 4096)} is not here`, { path, next });
  }
}

function otherBytes(path: string): CcxriError {
  return new CcxriError(
    'damaged-archive',
    `${toPrintable(path, 4096)} is not as it was extracted`,
    {
      path,
      next: [
        { kind: 'run', command: 'verify', options: { deep: true }, purpose: 'to find all of them' },
      ],
    },
  );
}

/**
 * Reads images out of their archive, which has passed its check. It goes through the gate first, as for an
 * extraction.
 * @param file manifest name
 * @throws CcxriError as `withDirectory`
 */
export async function archiveReader(
  path: string,
  file: string,
  { signal, ahead }: OpenImagesOptions = {},
): Promise<ImageReader> {
  const reader = await openFileReader(path);
  try {
    const members = await withDirectory(reader, { file, signal }, ({ members: all }) =>
      Promise.resolve(new Map(all.map((member) => [member.name, member]))),
    );
    const rooms = new PackedRooms();
    const archive = { file, path: reader.path, fd: reader.fd };
    const batches =
      ahead === undefined ? undefined : new ImageBatches(archive, members, { ...ahead, signal });
    return {
      read: async (name) =>
        (await batches?.take(name)) ??
        readFrom(reader, members.get(name), { file, path: name, rooms }),
      giveBack: (name) => batches?.giveBack(name),
      close: async () => {
        await batches?.settled();
        await reader.close();
      },
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function readFrom(
  reader: FileReader,
  member: Member | undefined,
  {
    file,
    path,
    rooms,
  }: { readonly file: string; readonly path: string; readonly rooms: PackedRooms },
): Promise<Uint8Array> {
  const name = toPrintable(path, 120);
  if (member === undefined) throw new CcxriError('missing', `${file} has no ${name}`, { file });
  if (!fitsInMemory(member)) {
    throw new CcxriError('damaged-archive', `${file}: ${name} is too large for an image`, {
      file,
      found: `${member.size} bytes`,
    });
  }
  return readMember(reader, member, file, rooms);
}
