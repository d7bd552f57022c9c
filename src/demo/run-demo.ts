import { throwIfAborted } from '../abort.ts';
import { datasetAround } from '../dataset/find-dataset.ts';
import { isCcxriError } from '../errors.ts';
import { type CaughtFault, type EventListener, ignoreEvents } from '../events.ts';
import { fetchDataset } from '../fetch/fetch-dataset.ts';
import type { FetchOptions, FetchResult } from '../fetch/fetch-types.ts';
import { quoteForShell } from '../text.ts';
import { claimDirectory } from './claim-directory.ts';
import { writeContactSheet } from './contact-sheet.ts';
import { type DemoRelease, loadDemoRelease } from './demo-release.ts';
import { Faults, type Interruption } from './faults.ts';
import { type DemoProgram, runFetchProcess } from './fetch-process.ts';
import { serveFiles } from './serve-files.ts';

const BYTES_PER_SECOND = 40_000;
/** What comes twice (a flipped bit, what was not whole when the fetch was killed), starts and checks. */
const OVERHEAD = 1.5;

/**
 * A whole fetch of a small synthetic release, which is served on loopback, with everything going wrong once: a
 * connection is cut, a bit is flipped, and the process of the fetch is killed and the fetch run
 * again. Nothing is asked of any other machine.
 * @throws CcxriError `usage` where `dest` holds anything but an earlier demo, or is among the images or
 *   archives of a dataset directory; `aborted`; as
 *   `fetchDataset`
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { dest, signal, onEvent = ignoreEvents, bytesPerSecond = BYTES_PER_SECOND } = options;
  throwIfAborted(signal);
  await datasetAround(dest);
  const release = await loadDemoRelease();
  const interruption = new AbortController();
  const faults = new Faults(onEvent, () => interruption.abort());
  const server = await serveFiles(release.files, { bytesPerSecond, faultOf: faults.faultOf });
  try {
    const { manifest } = release;
    const manifestPath = await claimDirectory(dest, manifest);
    onEvent({ event: 'demo-start', page: server.url, dest, ...measure(release, bytesPerSecond) });
    const run: DemoFetch = {
      manifest,
      dest,
      selection: { subsets: ['all'] },
      sources: [server.url],
      signal,
      onEvent: faults.handle,
    };
    const how = await interruptedRun(run, {
      program: options.program,
      manifestPath,
      interruption: interruption.signal,
    });
    throwIfAborted(signal);
    if (how !== undefined) faults.onInterrupted(how);
    const fetch = await fetchDataset(run);
    faults.finish();
    const contactSheet =
      fetch.index === undefined ? undefined : await writeContactSheet({ manifest, dest, signal });
    const commandLine = toCommandLine(server.url, manifestPath, dest);
    const { caught } = faults;
    return { page: server.url, commandLine, manifestPath, fetch, caught, contactSheet };
  } finally {
    await server.close();
  }
}

function measure({ manifest, files }: DemoRelease, bytesPerSecond: number) {
  const bytes = manifest.files.reduce((sum, { name }) => sum + (files.get(name)?.length ?? 0), 0);
  const aboutMs = Math.round((bytes / bytesPerSecond) * OVERHEAD * 1000);
  return { files: manifest.files.length, bytes, aboutMs };
}

interface DemoFetch extends FetchOptions {
  readonly sources: readonly string[];
  readonly onEvent: EventListener;
}

interface FirstRun {
  readonly program: DemoProgram | undefined;
  readonly manifestPath: string;
  /** Fires when it is time. */
  readonly interruption: AbortSignal;
}

/**
 * Runs the fetch until it is interrupted: in a process that is killed, or within this one.
 * @returns how it was; undefined: it has ended before, and what that came to will be told by the next run
 */
async function interruptedRun(
  run: DemoFetch,
  { program, manifestPath, interruption }: FirstRun,
): Promise<Interruption | undefined> {
  const { dest, sources, signal, onEvent } = run;
  const ends = AbortSignal.any(signal === undefined ? [interruption] : [interruption, signal]);
  if (program !== undefined) {
    // A few retries alone: if this process is killed, nobody serves the other one any more.
    const where = ['--manifest', manifestPath, '--dest', dest, '--retries', '3'];
    const args = ['--subset', 'all', ...sources.flatMap((url) => ['--source', url]), ...where];
    const end = await runFetchProcess(program, { args, onEvent, signal: ends });
    if (end !== 'unavailable') return interruption.aborted && end === 'killed' ? 'kill' : undefined;
  }
  try {
    await fetchDataset({ ...run, signal: ends });
  } catch (error) {
    if (interruption.aborted && isCcxriError(error, 'aborted')) return 'stop';
    throw error;
  }
  return undefined;
}

function toCommandLine(page: string, manifestPath: string, dest: string): string {
  const [manifest, directory] = [quoteForShell(manifestPath), quoteForShell(dest)];
  return `ccxri fetch --subset all --source ${page} --manifest ${manifest} --dest ${directory}`;
}

export interface DemoOptions {
  /**
   * The dataset directory that the demo leaves: absent, empty, or made by an earlier demo. Default
   * ./ccxri-demo (the command line says so).
   */
  readonly dest: string;
  /** How fast the synthetic release is served. Default 40,000, so that there is something to see. */
  readonly bytesPerSecond?: number | undefined;
  /**
   * How ccxri's command line is started: a process of it runs the fetch that is killed. Default: the fetch
   * runs in this process, and is stopped.
   */
  readonly program?: DemoProgram | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
}

/** What the demo has done. */
export interface DemoResult {
  /** Where the synthetic release was served while the demo ran. */
  readonly page: string;
  /** What a user would have typed. */
  readonly commandLine: string;
  /** The synthetic release's manifest: for `--manifest` of verify, status and the others. */
  readonly manifestPath: string;
  /** The result of the fetch that the demo ran, after it had been interrupted. */
  readonly fetch: FetchResult;
  /** What went wrong on purpose, and was put right. Empty where everything was here already. */
  readonly caught: readonly CaughtFault[];
  /** A page with all images and their labels. Absent where there is no index. */
  readonly contactSheet?: string | undefined;
}
