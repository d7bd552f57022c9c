import { fetchDataset } from '../fetch/fetch-dataset.ts';
import type { Manifest } from '../manifest/schema.ts';
import { quoteForShell } from '../text.ts';
import { claimDirectory } from './claim-directory.ts';
import { makeDemoRelease } from './demo-release.ts';
import type { DemoOptions, DemoResult } from './demo-types.ts';
import { serveFiles } from './serve-files.ts';

const BYTES_PER_SECOND = 200_000;

/**
 * The whole way on a small made-up release, which is drawn now and served on loopback: the page is
 * read for its links, files are downloaded, checked, extracted and joined, all by `fetchDataset`.
 * Nothing is asked of any other machine.
 * @throws CcxriError `usage` where `dest` holds anything but an earlier demo; `aborted`; as
 *   `fetchDataset`
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { dest, signal, onEvent, bytesPerSecond = BYTES_PER_SECOND } = options;
  const release = await makeDemoRelease(signal);
  const server = await serveFiles(release.files, bytesPerSecond);
  try {
    const manifest: Manifest = { ...release.manifest, homepage: server.url };
    const manifestPath = await claimDirectory(dest, manifest);
    const fetch = await fetchDataset({
      manifest,
      dest,
      selection: { subsets: ['all'] },
      sources: [server.url],
      ...(signal === undefined ? {} : { signal }),
      ...(onEvent === undefined ? {} : { onEvent }),
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
