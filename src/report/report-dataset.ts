import nodePath, { type PlatformPath, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { auditRows } from '../audit/audit-dataset.ts';
import { systemClock } from '../clock.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { layoutOf } from '../dataset/layout.ts';
import { assertDirectory } from '../dataset/session.ts';
import { CcxriError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { readVersion } from '../fs/package-version.ts';
import { pathKind } from '../fs/paths.ts';
import { StatsCounter } from '../labels/stats.ts';
import { type Manifest, isEmptySelection } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { ImageBytes } from './image-bytes.ts';
import { ImageSample } from './image-sample.ts';
import { findLooker, lookAtImages } from './look-at-images.ts';
import { PartCounter, readSplits } from './part-counts.ts';
import type { ReportData } from './section.ts';
import type { ReportOptions, ReportResult } from './types.ts';

/**
 * Writes a report on the images that are here, extracted or in checked archives, as one HTML file that needs
 * no network.
 * @throws CcxriError `missing`: no such directory, or no images of the selection in it; `occupied`: the file
 *   exists; `unknown-subset`, `unknown-file`; `labels-invalid`; of the disk; `aborted`
 */
export function writeReport(options: ReportOptions): Promise<ReportResult> {
  return writeReportBy(options, findLooker);
}

/** @param find what can see images; undefined: nothing can */
export async function writeReportBy(
  options: ReportOptions,
  find: typeof findLooker,
): Promise<ReportResult> {
  const { dest, signal, clock = systemClock } = options;
  const startedMs = clock.nowMs();
  const { manifest } = await resolveManifest(options);
  await assertDirectory(dest);
  const path = options.output ?? join(dest, 'report.html');
  if (options.force !== true) await assertFree(path);
  const data = await gather({ ...options, path }, { manifest, findLooker: find });
  // The charts are as large as all else together.
  const { renderPage } = await import('./page.ts');
  const page = renderPage({ ...data, madeAt: clock.date(), ccxriVersion: readVersion() });
  await writeFileAtomic(path, page, { followsLink: options.output !== undefined, signal });
  const { images, patients, archives } = data.stats;
  return {
    ...{ dest, path, bytes: Buffer.byteLength(page), images, patients, archives },
    splits: data.splits.map(({ name }) => name),
    notSplits: data.notSplits,
    remarks: data.audit.remarks,
    sheetImages: data.picked.byLabel.reduce((sum, of) => sum + of.images.length, 0),
    hasThumbnails: data.looks !== undefined,
    unreadable: [...(data.looks?.unseen ?? [])].map(([image, why]) => ({ path: image, why })),
    elapsedMs: clock.nowMs() - startedMs,
  };
}

interface Gathering {
  readonly manifest: Manifest;
  readonly findLooker: typeof findLooker;
}

/** Counts all that a report shows in one pass over the rows, and looks at some images. */
async function gather(
  options: ReportOptions & { readonly path: string },
  { manifest, findLooker: find }: Gathering,
): Promise<Omit<ReportData, 'madeAt' | 'ccxriVersion'>> {
  const { dest, selection = {}, signal, path, thumbnails = DEFAULT_THUMBNAILS } = options;
  const layout = layoutOf(dest);
  const { splits, notSplits } = await readSplits(layout, signal);
  const stats = new StatsCounter();
  const bytes = new ImageBytes();
  const picked = new ImageSample(thumbnails, thumbnails === 0 ? 0 : MEASURED);
  const subsets = new PartCounter(firstSubsets(manifest), ({ subset }) => subset);
  const counters = [subsets, ...splits.map(({ counter }) => counter)];
  const audit = await auditRows({ dest, manifest, selection, signal }, (found) => {
    stats.add(found.archive, found.rows);
    bytes.add(found.rows, found.record);
    picked.add(found);
    for (const counter of counters) counter.add(found.rows);
  });
  const look = await find();
  const looks = look && (await lookAtImages(picked, { layout, look, signal }));
  return {
    manifest,
    isSelection: !isEmptySelection(selection),
    stats: stats.finish(),
    subsets: subsets.finish(),
    splits: splits.map(({ name, counter }) => ({ name, ...counter.finish() })),
    ...{ notSplits, bytes, audit, picked, looks },
    addressOf: (row) => addressOf(dirname(path), join(dest, row.path)),
  };
}

/** Images of each finding on the contact sheet. */
const DEFAULT_THUMBNAILS = 12;
/** Images whose pixels are counted. */
const MEASURED = 300;

/** Of a file, as a page in this directory names it. */
export function addressOf(
  directory: string,
  path: string,
  flavour: PlatformPath = nodePath,
): string {
  const { sep } = flavour;
  const way = flavour.relative(directory, path);
  // On another drive, or on a share.
  if (flavour.isAbsolute(way)) return pathToFileURL(way, { windows: sep === '\\' }).href;
  return way.split(sep).map(encodeURIComponent).join('/');
}

/** Those that are in no other. */
function firstSubsets({ files }: Manifest): readonly string[] {
  return files.flatMap(({ kind, subsets }) => (kind === 'archive' ? subsets.slice(0, 1) : []));
}

/** @throws CcxriError `occupied`; of the disk */
async function assertFree(path: string): Promise<void> {
  if ((await pathKind(path)) === 'nothing') return;
  throw new CcxriError('occupied', `${toPrintable(path, 4096)} is there already`, {
    path,
    kept: 'the file as it is',
    next: [
      {
        kind: 'option',
        option: 'force',
        purpose: 'to replace it',
        or: { kind: 'option', option: 'output', purpose: 'to write another file' },
      },
    ],
  });
}
