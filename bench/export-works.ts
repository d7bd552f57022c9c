import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshDirectory } from './fresh-directory.ts';
import type { Place, Work } from './works.ts';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** So many are enough: an image takes either side some 30 ms. */
const ARCHIVES = 2;

/** Debian's python3-pil is for its own Python. */
const PYTHON = '/usr/bin/python3';

/** What an export does that others do too. */
export function exportWorks({ ccxri, release, url, scratch, archives }: Place): readonly Work[] {
  const chosen = archives.slice(0, ARCHIVES);
  const files = chosen.map(({ name }) => `--file ${name}`).join(' ');
  const [from, to] = [join(scratch, 'pictures'), join(scratch, 'out')];
  const fetch = `${ccxri} fetch ${files} --manifest ${release}/manifest.json --source ${url} --dest ${from} -q -y`;
  return [
    {
      name: 'export: images to 512',
      rival: 'Pillow, a process for each core',
      target: 0.7,
      ccxri: `node --import tsx ${pathOf('resize-folder.ts')} ${from}/images ${to}`,
      peer: `${PYTHON} ${pathOf('resize-folder.py')} ${from}/images ${to}`,
      before: `([ -d ${from} ] || ${fetch}) && ${freshDirectory(to)} && sync`,
      needs: [PYTHON],
      bytes: chosen.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  ];
}
