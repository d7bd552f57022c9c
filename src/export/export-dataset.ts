import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { assertDirectory } from '../dataset/session.ts';
import { describeExport } from '../description/describe-export.ts';
import { ignoreEvents } from '../events.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { openIndexSource } from '../labels/build-index.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { loadExporter } from './formats.ts';
import { type PlannedSplit, planExport } from './plan.ts';
import { renderSidecar } from './sidecar.ts';
import { ExportPlace, SIDECAR } from './target.ts';
import type { ExportOptions, ExportResult } from './types.ts';
import { type WrittenExport, writeShards } from './write-shards.ts';

/**
 * Writes the images that are here, or their labels alone, in the form that a loader of training data takes.
 * The directory appears when all of it is there. No network; the dataset directory is only read.
 * @throws CcxriError `occupied`: the target exists; `missing`: no images are here; `unknown-subset`,
 *   `unknown-file`; `labels-invalid`; `locked`: another export goes there; of the disk; `aborted`
 */
export async function exportDataset(options: ExportOptions): Promise<ExportResult> {
  const { dest, format, to, force = false, signal, clock = systemClock } = options;
  const startedMs = clock.nowMs();
  const { manifest } = await resolveManifest(options);
  await assertDirectory(dest);
  const place = new ExportPlace(to);
  await place.assertFree(force);
  const exporter = await loadExporter(format, { withImages: false, shardBytes: 1e9 });
  const source = await openIndexSource({ ...options, manifest, packed: true });
  const splits = await planExport(source, signal);
  const done = await place.withPartial({ clock, signal }, async () => {
    const written = await writeShards(splits, { exporter, directory: place.growing, signal });
    await describe(written, { options, manifest, splits, directory: place.growing });
    return written;
  });
  const { parts, files, leftOut } = done;
  return {
    path: place.path,
    format,
    images: parts.reduce((sum, { images }) => sum + images, 0),
    archives: stemsOf(splits).length,
    parts,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    leftOut,
    elapsedMs: Math.round(clock.nowMs() - startedMs),
  };
}

interface Description {
  readonly options: ExportOptions;
  readonly manifest: Manifest;
  readonly splits: readonly PlannedSplit[];
  readonly directory: string;
}

/** What lies beside the files of the format. */
async function describe(
  { parts, files, leftOut }: WrittenExport,
  { options, manifest, splits, directory }: Description,
): Promise<void> {
  const { format, signal, onEvent = ignoreEvents } = options;
  const archives = stemsOf(splits);
  const text = renderSidecar({ manifest, format, archives, parts, files, leftOut });
  await writeFileAtomic(join(directory, SIDECAR), text, { signal });
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const facts = { manifest, format, images, archives, files };
  await describeExport(directory, facts, { onEvent, signal });
}

function stemsOf(splits: readonly PlannedSplit[]): readonly string[] {
  return [
    ...new Set(splits.flatMap(({ archives }) => archives.map(({ archive }) => archive.stem))),
  ];
}
