import { placeOf } from '../../labels/join.ts';
import { toTypedRecord } from '../record.ts';
import type { Exporter, FormatOptions } from '../types.ts';
import { shardName } from './shard-name.ts';
import { TarFile } from './tar-file.ts';

/**
 * Numbered tar files, as WebDataset and its kin read them: of each image its bytes, and behind them its row as
 * JSON.
 */
export function webdatasetExporter({ shardBytes }: Pick<FormatOptions, 'shardBytes'>): Exporter {
  return {
    readsAhead: true,
    writeShard: async (images, target) => {
      const file = await target.create(`${shardName(target, 6)}.tar`);
      const tar = new TarFile((pieces) => file.write(pieces));
      const keys = new Set<string>();
      for (let bytes = 0; bytes < shardBytes;) {
        const image = await images.next();
        if (image === undefined) break;
        const content = await image.read();
        if (content === undefined) continue;
        const key = takeKey(keys, placeOf(image.row));
        const row = Buffer.from(JSON.stringify(toTypedRecord(image)));
        await tar.add(`${key}.${image.ending}`, content, image.giveBack);
        await tar.add(`${key}.json`, row);
        bytes += bytesInTar(content) + bytesInTar(row);
      }
      await tar.finish();
      await file.close();
    },
  };
}

/** With the header of a member, in whole blocks. */
function bytesInTar({ length }: Uint8Array): number {
  return 512 + Math.ceil(length / 512) * 512;
}

/**
 * `ChestDx-1_patient1_000` of `ChestDx-1/patient1_000.jpg`. A key ends at the first dot of a name, so that it can
 * have none; and two samples of one key would be taken for one.
 * @param place of an image, below images/
 */
function takeKey(taken: Set<string>, place: string): string {
  const plain = place.replace(/\.[^./]*$/, '').replace(/[./\\]/g, '_');
  let key = plain;
  for (let at = 2; taken.has(key); at += 1) key = `${plain}-${at}`;
  taken.add(key);
  return key;
}
