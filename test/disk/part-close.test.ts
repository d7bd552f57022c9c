import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PartFile } from '../../src/disk/part-file.ts';
import { DEFAULT_TOOLS } from '../../src/disk/part-tools.ts';
import { useTempDirs } from '../support/csv.ts';

const tempDir = useTempDirs();

it('a part is closed when its writes have ended, and not before: its number may be another file’s then', async () => {
  let end: () => void = () => undefined;
  const written = new Promise<void>((resolve) => {
    end = resolve;
  });
  const path = join(await tempDir(), 'a.zip.0123456789ab.part');
  const identity = { name: 'a.zip', md5: 'a'.repeat(32), owner: null };
  const part = await PartFile.create(path, identity, {
    ...DEFAULT_TOOLS,
    write: async (handle, chunks, at) => {
      await written;
      await DEFAULT_TOOLS.write(handle, chunks, at);
    },
  });
  const write = part.append(Buffer.from('abc'));
  const close = part.close();
  await turn();
  end();
  await expect(write).resolves.toBeUndefined();
  await close;
  expect(await readFile(part.path, 'utf8')).toBe('abc');
});
