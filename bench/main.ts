import { mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { selfSigned } from '../test/support/certificate.ts';
import { freePort } from '../test/support/daemon.ts';
import { startNginx } from '../test/support/nginx.ts';
import { adoptArchives, adoptImages } from './adopt-figures.ts';
import { exportWorks } from './export-works.ts';
import { growthTable, type GrowthRow } from './growth.ts';
import { spreadOverDisk } from './fresh-directory.ts';
import { makeBenchRelease } from './make-release.ts';
import { measure } from './measure.ts';
import { profileTable } from './profile.ts';
import { delayFigure, slowFigure } from './slow-line.ts';
import { labelFigure, labelLineFigure, rowsFigures } from './single-images.ts';
import { serveFigure } from './serve.ts';
import { joinFigure, nothingToDo, startFigures, type Figure } from './single-works.ts';
import {
  COMPARISON_TITLES,
  compare,
  isHere,
  mayEmptyCache,
  renderComparison,
  type Comparison,
} from './run-works.ts';
import { startLine } from './relay.ts';
import { toMarkdown } from './to-markdown.ts';
import { aria2List, fetchedOnce, worksOf, type Place } from './works.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WORK = join(ROOT, 'bench', '.work');
const RESULTS = join(ROOT, 'bench', 'results');

const HELP = `npm run bench [-- options]
  --rounds N      runs of each side of a comparison (default 5)
  --only TEXT     only works and figures whose name or rival holds this text
  --archives N    archives in the release (default 16)
  --images N      images an archive (default 500)
  --bytes N       about, of each image (default 300000)
  --line N        archives that are downloaded over a long line (default 4)
`;

interface Options {
  readonly rounds: number;
  readonly only: string;
  readonly lineArchives: number;
  readonly profile: { readonly archives: number; readonly images: number; readonly bytes: number };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rounds: { type: 'string', default: '5' },
        only: { type: 'string', default: '' },
        archives: { type: 'string', default: '16' },
        images: { type: 'string', default: '500' },
        bytes: { type: 'string', default: '300000' },
        line: { type: 'string', default: '4' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

function toOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const whole = (text: string) => {
    if (!/^[1-9]\d*$/.test(text)) throw new Error(`not a whole number: ${text}\n${HELP}`);
    return Number(text);
  };
  const { archives, images, bytes } = values;
  return {
    rounds: whole(values.rounds),
    only: values.only,
    lineArchives: whole(values.line),
    profile: { archives: whole(archives), images: whole(images), bytes: whole(bytes) },
  };
}

async function comparisons(place: Place, { rounds, only }: Options): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  const works = [...worksOf(place), ...exportWorks(place)].filter(({ name, rival }) =>
    `${name} ${rival}`.includes(only),
  );
  if (works.length === 0) return rows;
  await measure(fetchedOnce(place), place.scratch);
  await writeFile(join(place.scratch, 'aria2.txt'), aria2List(place.archives, place.url));
  console.log(COMPARISON_TITLES);
  for (const work of works) {
    const missing = work.needs.filter((program) => !isHere(program));
    if (missing.length > 0) {
      console.log(`${work.name} | ${work.rival} | left out: no ${missing.join(', ')} here`);
      continue;
    }
    if (work.isCold === true && !mayEmptyCache()) {
      console.log(`${work.name} | ${work.rival} | left out: the page cache can't be emptied here`);
      continue;
    }
    const row = await compare(work, rounds, place.scratch);
    rows.push(row);
    console.log(renderComparison(row));
  }
  return rows;
}

async function figures(place: Place, { only, rounds }: Options): Promise<Figure[]> {
  const all: readonly (readonly [string, () => Promise<Figure | readonly Figure[]>])[] = [
    ['fetch at 4 MB/s a connection', () => slowFigure(place, rounds)],
    ['fetch over 80 ms of delay', () => delayFigure(place, rounds)],
    ['fetch, nothing to do', () => nothingToDo(place)],
    ['serve', () => serveFigure(place, rounds)],
    ['--version, completion', () => startFigures(place.ccxri, place.scratch)],
    ['join', () => joinFigure(place.ccxri, place.scratch)],
    ['adopt: 82 archives', () => adoptArchives(place, rounds)],
    ['adopt: extracted images', () => adoptImages(place, rounds)],
    ['images: 1 % by label', () => labelFigure(place, rounds)],
    ['images: long line', () => labelLineFigure(place)],
    ['images: 162,000 rows', () => rowsFigures(place.ccxri, place.scratch, rounds)],
  ];
  const made: Figure[] = [];
  for (const [name, make] of all.filter(([title]) => title.includes(only))) {
    const some = await make().catch((error: unknown) => {
      console.log(`${name}: left out: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    });
    for (const figure of [some].flat()) {
      made.push(figure);
      printFigure(figure);
    }
  }
  return made;
}

function printFigure({ name, value, unit, target, note }: Figure): void {
  const met = target === null ? '' : value <= target ? ' met' : ' MISSED';
  const aim = target === null ? '' : ` (target ${target})`;
  console.log(`${name}: ${value.toFixed(2)} ${unit}${aim}${met}; ${note}`);
}

const MAX_PEAK_BYTES = 250e6;

/** The most that ccxri ever took, in any of its works. */
function reportPeak(rows: readonly Comparison[], growth: readonly GrowthRow[]): number {
  const peaks = rows.map(({ ccxri }) => ccxri.peakBytes);
  const peakBytes = Math.max(0, ...peaks, ...growth.map((row) => row.peakMegabytes * 1e6));
  const met = peakBytes <= MAX_PEAK_BYTES ? 'met' : 'MISSED';
  if (peakBytes > 0) {
    console.log(`peak memory of all: ${(peakBytes / 1e6).toFixed(0)} MB (target 250) ${met}`);
  }
  return peakBytes;
}

async function main(): Promise<void> {
  const options = toOptions(process.argv.slice(2));
  const scratch = join(WORK, 'scratch');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  if (!spreadOverDisk(scratch)) {
    console.log('no chattr here: what one run has left to be removed slows down the next one');
  }
  console.log('building…');
  await measure('npm run build', ROOT);
  const release = await makeBenchRelease(options.profile);
  await selfSigned(scratch, '-addext', 'subjectAltName=IP:127.0.0.1');
  const [certificate, tlsPort] = [join(scratch, 'cert.pem'), await freePort()];
  const nginx = await startNginx({
    root: release.directory,
    extra: `listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${join(scratch, 'key.pem')};`,
  });
  const lineOptions = { port: nginx.port, roundTripMs: 200, bytesPerSecond: 2e6 };
  const longLine = await startLine(lineOptions);
  const brokenLine = await startLine({ ...lineOptions, resetAfterBytes: 6e6 });
  const place: Place = {
    ccxri: `node ${join(ROOT, 'dist', 'bin', 'ccxri.js')}`,
    release: release.directory,
    url: `${nginx.url}/`,
    secure: { url: `https://127.0.0.1:${tlsPort}/`, certificate },
    longLine: `${longLine.url}/`,
    brokenLine: `${brokenLine.url}/`,
    lineArchives: options.lineArchives,
    scratch,
    archives: release.archives,
  };
  try {
    const total = release.archives.reduce((sum, { bytes }) => sum + bytes, 0);
    const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
    console.log(
      `${release.archives.length} archives, ${(total / 1e9).toFixed(2)} GB; ${machine.cpus} x ${machine.model}, Node ${machine.node}; medians of ${options.rounds}`,
    );
    const rows = await comparisons(place, options);
    const single = await figures(place, options);
    const growth = 'growth'.includes(options.only) ? await growthTable(place.ccxri, scratch) : [];
    const profile = 'profile'.includes(options.only) ? await profileTable(place) : [];
    const peakBytes = reportPeak(rows, growth);
    await mkdir(RESULTS, { recursive: true });
    const date = new Date().toISOString();
    const { rounds } = options;
    const result = { date, machine, total, rounds, rows, single, growth, profile, peakBytes };
    // A part of it must not take the place of the whole.
    const name = options.only === '' ? 'latest' : 'part';
    await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
    await writeFile(join(RESULTS, `${name}.md`), toMarkdown(result));
    console.log(`written: ${join('bench', 'results', name)}.json and .md`);
  } finally {
    await Promise.all([longLine.stop(), brokenLine.stop(), nginx.stop()]);
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
