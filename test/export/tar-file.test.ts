import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, it } from 'vitest';
import { TarFile } from '../../src/export/formats/tar-file.ts';
import { randomBytes } from '../support/random-bytes.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const MEMBERS: readonly (readonly [string, Uint8Array])[] = [
  ['ChestDx-1_patient1_000.jpg', randomBytes(300_001, 'a')],
  ['ChestDx-1_patient1_000.json', Buffer.from('{"Mass":1}')],
  [`${'long'.repeat(40)}.jpg`, randomBytes(512, 'b')],
  ['empty.jpg', new Uint8Array()],
  ['胸部.jpg', randomBytes(3, 'c')],
];

const FACTS = MEMBERS.map(([name, content]) => [name, content.length, crc32(content)]);

async function tarOf(members: typeof MEMBERS): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const tar = new TarFile((pieces) => {
    chunks.push(...pieces);
    return Promise.resolve();
  });
  for (const [name, content] of members) await tar.add(name, content);
  await tar.finish();
  return Buffer.concat(chunks);
}

it('writes what tar-stream reads back, member by member and the same bytes each time', async () => {
  const tar = await tarOf(MEMBERS);
  expect(tar.equals(await tarOf(MEMBERS))).toBe(true);
  const reader = extract();
  reader.end(tar);
  const read: (readonly [string, number, number])[] = [];
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    read.push([entry.header.name, content.length, crc32(content)]);
    expect(entry.header).toMatchObject({ uid: 0, gid: 0, mode: 0o644, mtime: new Date(0) });
  }
  expect(read).toEqual(FACTS);
});

it("writes what Python's tarfile reads", async () => {
  const path = join(await tempDir(), 'a.tar');
  await writeFile(path, await tarOf(MEMBERS));
  const script =
    'import json,sys,tarfile,zlib\nt=tarfile.open(sys.argv[1])\nprint(json.dumps([[m.name,m.size,zlib.crc32(t.extractfile(m).read())] for m in t]))';
  const { stdout } = await promisify(execFile)('python3', ['-c', script, path]);
  expect(JSON.parse(stdout)).toEqual(FACTS);
});

it('tells whoever adds a member what the sink threw', async () => {
  const full = new Error('disk full');
  let written = 0;
  const tar = new TarFile((pieces) => {
    for (const { length } of pieces) written += length;
    return written > 1_000_000 ? Promise.reject(full) : Promise.resolve();
  });
  const filling = (async () => {
    for (let at = 0; at < 100; at += 1)
      await tar.add(`${at}.jpg`, randomBytes(100_000, String(at)));
  })();
  await expect(filling).rejects.toBe(full);
  expect(written).toBeLessThan(2_000_000);
  await expect(tar.add('next.jpg', randomBytes(10, 'd'))).rejects.toBe(full);
});
