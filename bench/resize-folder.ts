import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { forEachAtOnce } from '../src/concurrency.ts';
import { loadConverter } from '../src/export/resize.ts';

/** As many as an export has under way. */
const AT_ONCE = 8;

/** Converts the images of a folder as an export does: `tsx bench/resize-folder.ts FROM TO`. */
const [from = '', to = ''] = process.argv.slice(2);
const { convert } = await loadConverter({ size: 512, quality: 90, format: 'jpg' });
const names = await readdir(from, { recursive: true });
await forEachAtOnce(names, AT_ONCE, async (name) => {
  if (!name.endsWith('.jpg')) return;
  const converted = await convert(await readFile(join(from, name)));
  if (converted.kind === 'broken') throw new Error(`${name}: ${converted.why}`);
  const path = join(to, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, converted.bytes);
});
