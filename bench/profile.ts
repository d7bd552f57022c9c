import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { measure } from './measure.ts';
import { fetchedOnce, worksOf, type Place } from './works.ts';

/** What the processor did in one kind of work, in shares of the samples. */
export interface ProfileRow {
  readonly work: string;
  readonly kind: string;
  /** Of the samples of this work, 0 to 1. */
  readonly share: number;
}

/** By the object and the name of the function that was running; the first that fits counts. */
const KINDS: readonly (readonly [kind: string, object: RegExp, symbol: RegExp])[] = [
  ['WebAssembly: MD5 or inflating', /JIT|perf-/, /wasm-function/],
  ['CRC-32', /./, /crc32/],
  ['kernel: writing to the page cache', /kernel/, /copy_folio_from_iter|copy_page_from_iter/],
  [
    'kernel: copying to the program (socket, page cache)',
    /kernel/,
    /copy_to_iter|copyout|_copy_to_user/,
  ],
  ['kernel: all else (pages, disk, network, waking)', /kernel/, /./],
  [
    'collecting garbage',
    /node/,
    /Marking|Sweep|Scaveng|MarkCompact|GCTracer|MemoryChunk|HeapObject/,
  ],
  ['JavaScript and the rest of Node', /./, /./],
];

/**
 * Where the processor's time goes in a download and in an extraction, by Linux's `perf`; of which
 * one alone has MD5 and the other alone inflating, for they can't be told by their names.
 */
export async function profileTable(place: Place): Promise<readonly ProfileRow[]> {
  if (spawnSync('perf', ['record', '-o', '/dev/null', 'true']).status !== 0) {
    console.log('profile: left out: `perf` is not here, or may not look');
    return [];
  }
  await measure(fetchedOnce(place), place.scratch);
  const works = worksOf(place);
  const rows: ProfileRow[] = [];
  for (const name of ['download and MD5', 'extract only']) {
    const work = works.find((each) => each.name === name);
    if (work === undefined) throw new Error(`there is no work ${name}`);
    if (work.before !== undefined) await measure(work.before, place.scratch);
    const data = join(place.scratch, 'perf.data');
    const command = work.ccxri.replace(/^node /, 'node --perf-basic-prof ');
    await measure(`perf record -q -F 499 -o ${data} ${command} >/dev/null`, place.scratch);
    rows.push(...sharesOf(name, data));
  }
  console.log('where the time goes | share of the processor');
  for (const { work, kind, share } of rows) {
    console.log(`${work}: ${kind} | ${(share * 100).toFixed(0)} %`);
  }
  return rows;
}

function sharesOf(work: string, data: string): readonly ProfileRow[] {
  const { stdout } = spawnSync(
    'perf',
    ['report', '-i', data, '--no-children', '--sort', 'dso,sym', '--percent-limit', '0'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const shares = new Map(KINDS.map(([kind]) => [kind, 0]));
  for (const line of stdout.split('\n')) {
    const [, percent, object = '', symbol = ''] = /^ +([\d.]+)% +(.+?) +(\[.*)$/.exec(line) ?? [];
    if (percent === undefined) continue;
    const kind = KINDS.find(([, ofObject, of]) => ofObject.test(object) && of.test(symbol))?.[0];
    if (kind !== undefined) shares.set(kind, (shares.get(kind) ?? 0) + Number(percent) / 100);
  }
  return [...shares].map(([kind, share]) => ({ work, kind, share }));
}
