import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exitCodeOf, worstOf, type ExitCode } from '../../src/cli/exit-codes.ts';
import { CcxriError } from '../../src/errors.ts';
import type { RunEvent } from '../../src/events.ts';
import { fetchDataset } from '../../src/fetch/fetch-dataset.ts';
import type { FetchOptions, FetchResult } from '../../src/fetch/fetch-types.ts';
import { parseManifest } from '../../src/manifest/load.ts';
import { type Manifest, type ManifestFile } from '../../src/manifest/manifest.ts';
import { toPublishedSize } from '../../src/manifest/size.ts';
import { fastClock, type FastClock } from './clock.ts';
import { checkInvariants, surroundings } from './invariants.ts';
import { randomBytes } from './random-bytes.ts';
import { likeJpeg } from './tiny-jpeg.ts';
import { buildZip } from './zip-builder.ts';

/** A file of a made-up release, with its bytes. */
export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  readonly file: Record<string, unknown>;
}

/** Of a size. */
export const noise = (seed: string, length: number) => randomBytes(length, seed);

export const md5Of = (bytes: string | Uint8Array) => createHash('md5').update(bytes).digest('hex');

/** An archive of about so many bytes, with two members. */
export function sampleArchive(
  name: string,
  { bytes = 200_000, members = 2, ...facts }: SampleFacts = {},
): Sample {
  const each = Math.floor(bytes / members);
  const zip = buildZip(
    Array.from({ length: members }, (_, n) => ({
      name: `patient${1000 + n}_000.jpg`,
      content: likeJpeg(noise(`${name} ${n}`, each - 6)),
      method: 0,
    })),
  );
  return toSample(name, zip, { kind: 'archive', category: 'ChestDx', ...facts });
}

type SampleFacts = { readonly bytes?: number; readonly members?: number } & Partial<
  Omit<ManifestFile, 'bytes'>
>;

export function sampleLabels(name: string, text: string): Sample {
  return toSample(name, Buffer.from(text), { kind: 'labels', category: 'labels' });
}

export function toSample(
  name: string,
  bytes: Buffer,
  facts: Readonly<Record<string, unknown>>,
): Sample {
  const size = toPublishedSize(bytes.length);
  const file = { name, subsets: ['chestdx'], size, md5: md5Of(bytes), ...facts };
  return { name, bytes, file };
}

export function manifestOf(...samples: readonly Sample[]): Manifest {
  return parseManifest(
    JSON.stringify({
      manifestVersion: 1,
      dataset: 'CC-CXRI',
      version: 'test',
      released: '2021-03-21',
      homepage: 'http://127.0.0.1:9/nobody-listens-here/',
      citation: '',
      files: samples.map(({ file }) => file),
    }),
  );
}

/** How a run came out, whether it returned or threw. */
export interface Ran {
  readonly result: FetchResult | undefined;
  readonly error: unknown;
  readonly events: readonly RunEvent[];
  readonly clock: FastClock;
  readonly exit: ExitCode;
  /** Of each file, in the manifest's order: its status, or the code of its error. */
  readonly outcomes: readonly string[];
}

export interface RunSetup extends Partial<Omit<FetchOptions, 'clock'>> {
  readonly dest: string;
  readonly manifest: Manifest;
  readonly clock?: FastClock;
  /** See `checkInvariants`. */
  readonly foreign?: Readonly<Record<string, string | Uint8Array>>;
}

/** Fetches everything with short waits, then checks what must hold of the directory at any time. */
export async function run(setup: RunSetup): Promise<Ran> {
  const { foreign, ...options } = setup;
  const clock = setup.clock ?? fastClock();
  const events: RunEvent[] = [];
  await mkdir(dirname(setup.dest), { recursive: true });
  const before = await surroundings(setup.dest);
  const ran = await fetchDataset({
    selection: { subsets: ['all'] },
    // Long enough for a loaded machine; tests of stalls take less.
    timeoutMs: 10_000,
    extract: false,
    ...options,
    clock,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  }).then(
    (result) => ({ result, error: undefined }),
    (error: unknown) => ({ result: undefined, error }),
  );
  // A bug is nobody's expectation.
  if (ran.error instanceof Error && !(ran.error instanceof CcxriError)) throw ran.error;
  const { dest, manifest } = setup;
  await checkInvariants({ dest, manifest, before, ...(foreign === undefined ? {} : { foreign }) });
  const failures = (ran.result?.outcomes ?? []).flatMap(({ error }) => error ?? []);
  const codes = [...failures, ...(ran.error === undefined ? [] : [ran.error])];
  checkEvents(events, ran.result);
  return {
    ...ran,
    events,
    clock,
    exit: worstOf(codes.map((error) => exitCodeOf(error))),
    outcomes: (ran.result?.outcomes ?? []).map(({ did, error }) => error?.code ?? did),
  };
}

/** Each file comes to its end once; a phase ends only where it began. */
function checkEvents(events: readonly RunEvent[], result: FetchResult | undefined): void {
  const ended = events.flatMap((event) => (event.event === 'file-done' ? [event.file] : []));
  const due = (result?.outcomes ?? []).map(({ file }) => file);
  if (result !== undefined && JSON.stringify([...ended].sort()) !== JSON.stringify([...due].sort()))
    throw new Error(`file-done of ${ended.join(', ')}, expected of ${due.join(', ')}`);
  const begun = new Set<string>();
  for (const event of events) {
    if (event.event === 'phase-start') begun.add(`${event.file} ${event.phase}`);
    if (event.event !== 'phase-done' && event.event !== 'progress') continue;
    if (!begun.has(`${event.file} ${event.phase}`)) throw new Error(`${event.phase} never began`);
  }
}

/** The dataset directory of a test, in a directory of its own. */
export function destIn(root: string): string {
  return join(root, 'parent', 'cc-cxri');
}
