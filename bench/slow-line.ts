import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startNginx } from '../test/support/nginx.ts';
import { freshDirectory } from './fresh-directory.ts';
import { measure, type Measured } from './measure.ts';
import { middle } from './run-works.ts';
import type { Figure } from './single-works.ts';
import type { Place } from './works.ts';

const CONNECTIONS = 16;
const RATE_BYTES = 4 * 1024 * 1024;

function fetchCommand({ ccxri, release, scratch }: Place, url: string): string {
  const out = join(scratch, 'slow');
  return `${ccxri} fetch --subset all --manifest ${release}/manifest.json --source ${url} --dest ${out} --connections ${CONNECTIONS} --no-extract -q -y`;
}

/**
 * nginx gives each connection 4 MB/s: what counts is that all connections are kept at work. It also
 * gives each request the first second's bytes at once, so that less than the wire's time is possible.
 */
export async function slowFigure(place: Place, rounds: number): Promise<Figure> {
  const nginx = await startNginx({ root: place.release, limitRate: '4m' });
  const bytes = place.archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const wireS = bytes / (CONNECTIONS * RATE_BYTES);
  try {
    const runs: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await measure(`${freshDirectory(join(place.scratch, 'slow'))} && sync`, place.scratch);
      runs.push(await measure(fetchCommand(place, `${nginx.url}/`), place.scratch));
    }
    const { wallS, cpuS } = middle(runs);
    const requests = (await nginx.requests()).length / rounds;
    return {
      name: `fetch at 4 MB/s a connection, ${CONNECTIONS} connections / the wire`,
      value: wallS / wireS,
      unit: 'x',
      target: 1.06,
      note: [
        `${wallS.toFixed(1)} s against ${wireS.toFixed(1)} s`,
        `${requests.toFixed(0)} requests, of each up to 4 MB for nothing`,
        `${cpuS.toFixed(1)} s of CPU`,
      ].join('; '),
    };
  } finally {
    await nginx.stop();
  }
}

/**
 * 80 ms there and back on the loopback device, for as long as this takes. It needs the right to
 * change the device, and the kernel's netem.
 */
export async function delayFigure(place: Place, rounds: number): Promise<Figure> {
  const tc = (...args: readonly string[]) => spawnSync('tc', args).status === 0;
  if (!tc('qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '40ms')) {
    throw new Error('`tc … netem` is not allowed or not there');
  }
  const nginx = await startNginx({ root: place.release });
  try {
    const ours: Measured[] = [];
    const theirs: Measured[] = [];
    const clean = `${freshDirectory(join(place.scratch, 'slow'))} && sync`;
    const urls = place.archives.map(({ name }) => `${nginx.url}/${name}`).join(' ');
    const curl = `cd ${join(place.scratch, 'slow')} && printf '%s\\n' ${urls} | xargs -P4 -n1 curl -sfO`;
    for (let round = 0; round < rounds; round += 1) {
      await measure(clean, place.scratch);
      ours.push(await measure(fetchCommand(place, `${nginx.url}/`), place.scratch));
      await measure(clean, place.scratch);
      theirs.push(await measure(curl, place.scratch));
    }
    const [a, b] = [middle(ours).wallS, middle(theirs).wallS];
    const note = `${a.toFixed(1)} s with MD5 against ${b.toFixed(1)} s without`;
    return {
      name: 'fetch over 80 ms of delay / curl x4',
      value: a / b,
      unit: 'x',
      target: null,
      note,
    };
  } finally {
    await nginx.stop();
    tc('qdisc', 'del', 'dev', 'lo', 'root');
  }
}
