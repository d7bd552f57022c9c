import type { EventListener } from '../events.ts';
import { throwIfAborted } from '../abort.ts';
import { datasetAround } from '../dataset/find-dataset.ts';
import { fetchDataset } from '../fetch/fetch-dataset.ts';
import type { FetchResult } from '../fetch/fetch-types.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { quoteForShell } from '../text.ts';
import { claimDirectory } from './claim-directory.ts';
import { loadDemoRelease } from './demo-release.ts';
import { serveFiles } from './serve-files.ts';

const BYTES_PER_SECOND = 20_000;

/**
 * Everything on a small synthetic release, which is served on loopback: the page is
 * read for its links, files are downloaded, checked, extracted and joined, all by `fetchDataset`.
 * Nothing is asked of any other machine.
 * @throws CcxriError `usage` where `dest` holds anything but an earlier demo, or is among the images or
 *   archives of a dataset directory; `aborted`; as
 *   `fetchDataset`
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { dest, signal, onEvent, bytesPerSecond = BYTES_PER_SECOND } = options;
  throwIfAborted(signal);
  await datasetAround(dest);
  const release = await loadDemoRelease();
  const server = await serveFiles(release.files, bytesPerSecond);
  try {
    const manifest: Manifest = { ...release.manifest, homepage: server.url };
    const manifestPath = await claimDirectory(dest, manifest);
    const fetch = await fetchDataset({
      manifest,
      dest,
      selection: { subsets: ['all'] },
      sources: [server.url],
      signal,
      onEvent,
    });
    const commandLine = toCommandLine(server.url, manifestPath, dest);
    return { page: server.url, commandLine, manifestPath, fetch };
  } finally {
    await server.close();
  }
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
  /** How fast the synthetic release is served. Default 20,000, so that there is something to see. */
  readonly bytesPerSecond?: number | undefined;
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
  /** The result of the fetch that the demo ran. */
  readonly fetch: FetchResult;
}
