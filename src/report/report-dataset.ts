import { join } from 'node:path';
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
import { PartCounter, readSplits } from './part-counts.ts';
import type { ReportData } from './section.ts';
import type { ReportOptions, ReportResult } from './types.ts';

/**
 * Writes a report on the images that are here, extracted or in checked archives, as one HTML file that needs
 * no network.
 * @throws CcxriError `missing`: no such directory, or no images of the selection in it; `occupied`: the file
 *   exists; `unknown-subset`, `unknown-file`; `labels-invalid`; of the disk; `aborted`
 */
export async function writeReport(options: ReportOptions): Promise<ReportResult> {
  const { dest, signal, clock = systemClock } = options;
  const startedMs = clock.nowMs();
  const { manifest } = await resolveManifest(options);
  await assertDirectory(dest);
  const path = options.output ?? join(dest, 'report.html');
  if (options.force !== true) await assertFree(path);
  const data = await gather(options, manifest);
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
    elapsedMs: clock.nowMs() - startedMs,
  };
}

/** Counts all that a report shows in one pass over the rows. */
async function gather(
  { dest, selection = {}, signal }: ReportOptions,
  manifest: Manifest,
): Promise<Omit<ReportData, 'madeAt' | 'ccxriVersion'>> {
  const { splits, notSplits } = await readSplits(layoutOf(dest), signal);
  const stats = new StatsCounter();
  const bytes = new ImageBytes();
  const subsets = new PartCounter(firstSubsets(manifest), ({ subset }) => subset);
  const counters = [subsets, ...splits.map(({ counter }) => counter)];
  const audit = await auditRows(
    { dest, manifest, selection, signal },
    ({ archive, rows, record }) => {
      stats.add(archive, rows);
      bytes.add(rows, record);
      for (const counter of counters) counter.add(rows);
    },
  );
  return {
    manifest,
    isSelection: !isEmptySelection(selection),
    stats: stats.finish(),
    subsets: subsets.finish(),
    splits: splits.map(({ name, counter }) => ({ name, ...counter.finish() })),
    ...{ notSplits, bytes, audit },
  };
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
