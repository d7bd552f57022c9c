import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freshDirectory } from './fresh-directory.ts';
import { measure, type Measured } from './measure.ts';
import { middle } from './run-works.ts';
import type { Figure } from './single-works.ts';
import type { Place } from './works.ts';

const CLIENTS = 4;
/** So many for each client: what they write has to fit in the page cache. */
const ARCHIVES = 3;

/** `ccxri serve` against nginx, each to four ccxri at once that check what they get. */
export async function serveFigure(place: Place, rounds: number): Promise<Figure> {
  const { ccxri, release, scratch, url, archives } = place;
  const served = join(scratch, 'served');
  const files = archives.slice(0, ARCHIVES).map(({ name }) => `--file ${name}`);
  const fetch = `${ccxri} fetch ${files.join(' ')} --manifest ${release}/manifest.json --no-extract -q -y`;
  await measure(`${fetch} --source ${url} --dest ${served}`, scratch);
  const server = await startServe(place, served);
  const outs = Array.from({ length: CLIENTS }, (_, at) => join(scratch, `client${at}`));
  const fresh = `${outs.map(freshDirectory).join(' && ')} && sync`;
  const clientsOf = (source: string) => {
    const starts = outs.map((out) => `${fetch} --source ${source} --dest ${out} & pids="$pids $!"`);
    return `pids=; ${starts.join('; ')}; for pid in $pids; do wait $pid; done`;
  };
  const [ours, nginx]: [Measured[], Measured[]] = [[], []];
  try {
    for (let round = 0; round < rounds; round += 1) {
      await measure(fresh, scratch);
      ours.push(await measure(clientsOf(server.url), scratch));
      await measure(fresh, scratch);
      nginx.push(await measure(clientsOf(url), scratch));
    }
  } finally {
    await server.stop();
  }
  const [a, b] = [middle(ours).wallS, middle(nginx).wallS];
  return {
    name: `serve to ${CLIENTS} ccxri / nginx to the same`,
    value: a / b,
    unit: 'x',
    // Half of its throughput.
    target: 2,
    note: `${a.toFixed(1)} s against ${b.toFixed(1)} s, all processes on one machine`,
  };
}

async function startServe({ ccxri, release }: Place, served: string) {
  const [program = '', ...words] = ccxri.split(' ');
  const argv = [...words, 'serve', served, '--manifest', `${release}/manifest.json`];
  const child = spawn(program, [...argv, '--port', '0', '--ndjson'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('serve has ended')));
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line) as { readonly event?: string; readonly url?: string };
      if (event.event === 'serving') resolve(event.url ?? '');
    });
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
}
