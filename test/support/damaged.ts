import { createCipheriv } from 'node:crypto';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Sample, manifestOf, run, toSample } from './fetching.ts';
import { buildZip } from './zip-builder.ts';

/** An archive of members of this length each, stored, so that it is about as long as all of them. */
export function archiveOf(
  name: string,
  { members, bytes, seed = 1 }: { members: number; bytes: number; seed?: number },
): Sample {
  const key = Buffer.alloc(16, seed);
  const noise = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(
    Buffer.alloc(members * bytes),
  );
  const zip = buildZip(
    Array.from({ length: members }, (_, n) => ({
      name: memberName(n),
      content: noise.subarray(n * bytes, (n + 1) * bytes),
      method: 0,
    })),
  );
  return toSample(name, zip, { kind: 'archive', category: 'ChestDx' });
}

export const memberName = (n: number) => `patient${1000 + n}_000.jpg`;

/** The bytes with one bit flipped at each of these positions. */
export function flipped(bytes: Buffer, ...positions: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of positions) copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at);
  return copy;
}

/** A dataset directory in which an archive has passed, and is as it was; then it gets these bytes. */
export async function damageAfterFetch(
  dest: string,
  sample: Sample,
  sources: readonly string[],
  damaged: Buffer,
): Promise<void> {
  const ran = await run({ dest, manifest: manifestOf(sample), sources });
  if (ran.outcomes[0] !== 'downloaded') throw new Error(`it was not fetched: ${ran.outcomes[0]}`);
  const path = join(dest, 'archives', sample.name);
  await writeFile(path, damaged);
  const later = new Date(Date.now() + 10_000);
  await utimes(path, later, later);
}

/** Writes something else in the place of an extracted image. */
export async function damageOneImage(folder: string): Promise<void> {
  const [image = ''] = (await readdir(folder)).sort();
  await writeFile(join(folder, image), 'no image');
}
