import { join } from 'node:path';
import { freshDirectory } from './fresh-directory.ts';

/** Something to be done, by ccxri and by what users type today. */
export interface Work {
  readonly name: string;
  readonly rival: string;
  /** The highest ratio of wall times, ccxri over rival, that is aimed at; null: shown only. */
  readonly target: number | null;
  readonly ccxri: string;
  readonly peer: string;
  /** Run before each of the two, not timed. */
  readonly before?: string;
  /** Empties the page cache before each of the two, where this user may. */
  readonly isCold?: boolean;
  /** Programs that the rival needs: left out, and said so, where one is missing. */
  readonly needs: readonly string[];
  /** Bytes that go through, for CPU seconds a GB. */
  readonly bytes: number;
}

export interface Place {
  /** The built program, as a shell word. */
  readonly ccxri: string;
  /** Holds the archives, manifest.json and md5sums.txt. */
  readonly release: string;
  /** Where nginx serves them. */
  readonly url: string;
  /** The same over TLS, and the certificate to trust. */
  readonly secure: { readonly url: string; readonly certificate: string };
  /** The same behind a long line, and behind one that breaks now and then. */
  readonly longLine: string;
  readonly brokenLine: string;
  /** Archives that are downloaded over a long line. */
  readonly lineArchives: number;
  /** For what the works write. */
  readonly scratch: string;
  readonly archives: readonly {
    readonly name: string;
    readonly md5: string;
    readonly bytes: number;
  }[];
}

/** Each work starts from an empty `out`. */
export function worksOf(place: Place): readonly Work[] {
  const { ccxri, release, url, scratch, archives } = place;
  const out = join(scratch, 'out');
  const names = archives.map(({ name }) => name);
  const urls = names.map((name) => `${url}${name}`).join(' ');
  const bytes = archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const before = `${freshDirectory(out)} && mkdir ${out}/z && sync`;
  const fetch = `${ccxri} fetch --subset all --manifest ${release}/manifest.json --source ${url} --dest ${out} -q -y`;
  const curl = `cd ${out}/z && printf '%s\\n' ${urls} | xargs -P4 -n1 curl -sfO`;
  const md5 = `split -n l/2 ${release}/md5sums.txt ${out}/sums. && ls ${out}/sums.* | xargs -P2 -n1 md5sum --quiet -c`;
  const unpack = (tool: string) =>
    `cd ${out} && printf '%s\\n' ${names.map((name) => name.replace('.zip', '')).join(' ')} | xargs -P2 -I{} bash -c 'mkdir {} && cd {} && ${tool}'`;
  const bsdtar = unpack('bsdtar -xf ../z/{}.zip');
  const aria2 = `cd ${out}/z && aria2c -q -j4 -x4 --file-allocation=none --auto-file-renaming=false -i ${scratch}/aria2.txt`;
  const rclone = `rclone copy --transfers 4 --http-url ${url} :http: ${out}/z --include '*.zip'`;
  // Hard links keep mtime: the ledger knows the archives, and nobody has to hash before the work.
  const ready = `${before} && mkdir -p ${out}/archives && ln ${scratch}/checked/archives/*.zip ${out}/archives/ && ln ${release}/*.zip ${out}/z/ && cp -r ${scratch}/checked/.ccxri ${out}/`;
  const extract = `${ccxri} extract --manifest ${release}/manifest.json --dest ${out} -q`;
  const verify = `${ccxri} verify --manifest ${release}/manifest.json --dest ${out} -q`;
  return [
    {
      name: 'fetch end to end',
      rival: 'curl x4, md5sum x2, bsdtar x2',
      target: 1,
      ccxri: fetch,
      peer: `${curl} && ${md5} && ${bsdtar}`,
      before,
      needs: ['curl', 'md5sum', 'bsdtar'],
      bytes,
    },
    {
      name: 'download and MD5',
      rival: 'curl x4, md5sum x2',
      target: 0.75,
      ccxri: `${fetch} --no-extract`,
      peer: `${curl} && ${md5}`,
      before,
      needs: ['curl', 'md5sum'],
      bytes,
    },
    {
      name: 'download and MD5',
      rival: 'aria2c -j4 -x4 with checksums',
      target: 0.35,
      ccxri: `${fetch} --no-extract`,
      peer: aria2,
      before,
      needs: ['aria2c'],
      bytes,
    },
    {
      name: 'download and MD5',
      rival: 'rclone x4, md5sum x2',
      target: null,
      ccxri: `${fetch} --no-extract`,
      peer: `${rclone} && cd ${out}/z && ${md5}`,
      before,
      needs: ['rclone', 'md5sum'],
      bytes,
    },
    {
      name: 'download and MD5',
      rival: 'the disk: dd x4, each flushed, from page cache',
      target: null,
      ccxri: `${fetch} --no-extract`,
      peer: `cd ${out}/z && printf '%s\\n' ${names.join(' ')} | xargs -P4 -I{} dd if=${release}/{} of={} bs=1M conv=fsync status=none`,
      before,
      needs: ['dd'],
      bytes,
    },
    {
      name: 'verify, in page cache',
      rival: 'md5sum x2',
      target: 0.36,
      ccxri: verify,
      peer: `cd ${out}/z && ${md5}`,
      before: ready,
      needs: ['md5sum'],
      bytes,
    },
    {
      name: 'verify, from the disk',
      rival: 'md5sum x2',
      target: null,
      ccxri: verify,
      peer: `cd ${out}/z && ${md5}`,
      before: ready,
      isCold: true,
      needs: ['md5sum'],
      bytes,
    },
    {
      name: 'extract only',
      rival: 'bsdtar x2',
      target: 0.95,
      ccxri: extract,
      peer: bsdtar,
      before: ready,
      needs: ['bsdtar'],
      bytes,
    },
    {
      name: 'extract only',
      rival: 'unzip x2',
      target: 0.6,
      ccxri: extract,
      peer: unpack('unzip -qq ../z/{}.zip'),
      before: ready,
      needs: ['unzip'],
      bytes,
    },
    {
      name: 'extract only',
      rival: '7z x2',
      target: null,
      ccxri: extract,
      peer: unpack('7z x -bso0 -bsp0 ../z/{}.zip'),
      before: ready,
      needs: ['7z'],
      bytes,
    },
    secureWork(place, before),
    ...lineWorks(place, before),
  ];
}

function secureWork({ ccxri, release, secure, scratch, archives }: Place, before: string): Work {
  const out = join(scratch, 'out');
  const urls = archives.map(({ name }) => `${secure.url}${name}`).join(' ');
  return {
    name: 'download and MD5, https',
    rival: 'curl x4, md5sum x2',
    target: 1,
    ccxri: `NODE_EXTRA_CA_CERTS=${secure.certificate} ${ccxri} fetch --subset all --manifest ${release}/manifest.json --source ${secure.url} --dest ${out} --no-extract -q -y`,
    peer: `cd ${out}/z && printf '%s\\n' ${urls} | xargs -P4 -n1 curl -sfO --cacert ${secure.certificate} && split -n l/2 ${release}/md5sums.txt ${out}/sums. && ls ${out}/sums.* | xargs -P2 -n1 md5sum --quiet -c`,
    before,
    needs: ['curl', 'md5sum'],
    bytes: archives.reduce((sum, archive) => sum + archive.bytes, 0),
  };
}

/** 16 connections in all on each side; curl has one a file, and the default finds its number. */
function lineWorks(place: Place, before: string): readonly Work[] {
  const { ccxri, release, scratch, longLine, brokenLine } = place;
  const archives = place.archives.slice(0, place.lineArchives);
  const out = join(scratch, 'out');
  const bytes = archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const files = archives.map(({ name }) => name).join(',');
  const fetch = (url: string) =>
    `${ccxri} fetch --file ${files} --manifest ${release}/manifest.json --source ${url} --dest ${out} --no-extract -q -y`;
  const aria2 = (url: string) =>
    `cd ${out}/z && echo '${aria2List(archives, url)}' | aria2c -q -j4 -x4 -s4 -k1M -m0 --retry-wait=1 --file-allocation=none --auto-file-renaming=false -i -`;
  const urls = archives.map(({ name }) => `${longLine}${name}`).join(' ');
  const curl = `cd ${out}/z && printf '%s\\n' ${urls} | xargs -P4 -n1 curl -sfO`;
  const row = (name: string, rival: string, target: number | null) => ({
    ...{ name, rival, target, before, bytes, needs: [rival.split(/\W/, 1)[0] ?? ''] },
  });
  const rival = 'aria2c, 16 connections';
  return [
    {
      ...row('long line, 16 connections', rival, 1.05),
      ccxri: `${fetch(longLine)} --connections 16`,
      peer: aria2(longLine),
    },
    { ...row('long line, default', rival, null), ccxri: fetch(longLine), peer: aria2(longLine) },
    { ...row('long line, default', 'curl x4', 0.4), ccxri: fetch(longLine), peer: curl },
    {
      ...row('long line with resets, 16 connections', rival, 1.05),
      ccxri: `${fetch(brokenLine)} --connections 16`,
      peer: aria2(brokenLine),
    },
    {
      ...row('long line with resets, default', rival, null),
      ccxri: fetch(brokenLine),
      peer: aria2(brokenLine),
    },
  ];
}

/** Fetches once, not timed, what `verify` and `extract` start from. */
export function fetchedOnce({ ccxri, release, url, scratch }: Place): string {
  const dest = join(scratch, 'checked');
  return `${freshDirectory(dest)} && ${ccxri} fetch --subset all --manifest ${release}/manifest.json --source ${url} --dest ${dest} --no-extract -q -y`;
}

export function aria2List(archives: Place['archives'], url: string): string {
  return archives.map(({ name, md5 }) => `${url}${name}\n  checksum=md5=${md5}\n`).join('');
}
