import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshDirectory } from './fresh-directory.ts';
import type { Place, Work } from './works.ts';

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
  // Hard links keep mtime: the ledger knows the archives.
  const ready = `${freshDirectory(to)} && mkdir -p ${to}/archives ${to}/z && ln ${scratch}/checked/archives/*.zip ${to}/archives/ && ln ${release}/*.zip ${to}/z/ && cp -r ${scratch}/checked/labels ${scratch}/checked/.ccxri ${to}/ && sync`;
  const stems = archives.map(({ name }) => name.replace('.zip', '')).join(' ');
  return [
    {
      name: 'export: WebDataset from archives',
      rival: 'bsdtar x2, tar',
      target: 0.8,
      ccxri: `${ccxri} export webdataset --manifest ${release}/manifest.json --dest ${to} --to ${to}/shards -q`,
      peer: `cd ${to} && printf '%s\\n' ${stems} | xargs -P2 -I{} bash -c 'mkdir {} && bsdtar -xf z/{}.zip -C {}' && tar -cf all.tar ${stems}`,
      before: ready,
      needs: ['bsdtar', 'tar'],
      bytes: archives.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    {
      name: 'export: images to 512',
      rival: 'Pillow, a process for each core',
      target: 0.7,
      ccxri: `${ccxri} export imagefolder --resize 512 --quality 90 --manifest ${release}/manifest.json --dest ${from} --to ${to}/set -q`,
      peer: `${PYTHON} ${WITH_PILLOW} ${from}/images ${to}`,
      before: `([ -d ${from} ] || ${fetch}) && ${freshDirectory(to)} && sync`,
      needs: [PYTHON],
      bytes: chosen.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  ];
}
