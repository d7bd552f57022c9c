import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshDirectory } from './fresh-directory.ts';
import type { Place, Work } from './works.ts';

const RESIZE = fileURLToPath(new URL('resize-folder.ts', import.meta.url));
const WITH_PILLOW = fileURLToPath(new URL('resize-folder.py', import.meta.url));

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
      ccxri: `node --import tsx ${RESIZE} ${from}/images ${to}`,
      peer: `${PYTHON} ${WITH_PILLOW} ${from}/images ${to}`,
      before: `([ -d ${from} ] || ${fetch}) && ${freshDirectory(to)} && sync`,
      needs: [PYTHON],
      bytes: chosen.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  ];
}
