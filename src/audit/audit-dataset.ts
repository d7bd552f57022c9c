import { systemClock } from '../clock.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { layoutOf } from '../dataset/layout.ts';
import { assertDirectory } from '../dataset/session.ts';
import { ignoreEvents } from '../events.ts';
import { type IndexReport, JoinAudit } from '../labels/audit.ts';
import { type ArchiveRows, indexRows, openIndexSource, warningOf } from '../labels/build-index.ts';
import { readLabels } from '../labels/scan.ts';
import { isEmptySelection } from '../manifest/manifest.ts';
import { IndexComparison } from './compare-index.ts';
import { loadDecoder } from './decoder.ts';
import { type Note, openImagesOf } from './open-images.ts';
import type { AuditOptions, AuditResult } from './types.ts';

/**
 * Compares the images that are here, extracted or in checked archives, with the label files and index.csv,
 * and says what does not add up. Writes nothing.
 * @throws CcxriError `missing`: no such directory, or no images in it; `usage`: sharp is needed and not
 *   installed; `unknown-subset`, `unknown-file`; `labels-invalid`; of the disk; `aborted`
 */
export async function auditDataset(options: AuditOptions): Promise<AuditResult> {
  const { dest, signal, onEvent = ignoreEvents, clock = systemClock } = options;
  const startedMs = clock.nowMs();
  const decode = options.decode === true ? await loadDecoder() : undefined;
  const layout = layoutOf(dest);
  const counts = { imagesOpened: 0, imagesPacked: 0 };
  const report = await auditRows(options, async (found, note) => {
    if (found.archive.packed !== undefined) counts.imagesPacked += found.rows.length;
    counts.imagesOpened += await openImagesOf(found, {
      ...{ layout, decode, note, signal, clock, onEvent },
    });
  });
  for (const remark of report.remarks) onEvent(warningOf(remark));
  const decoded = decode !== undefined;
  return { dest, ...report, ...counts, decoded, elapsedMs: clock.nowMs() - startedMs };
}

/**
 * The same without opening an image, in one pass with whoever needs the rows.
 * @param visit called with the rows of each archive; `note` is for what it finds in their images
 * @throws CcxriError as `auditDataset`
 */
export async function auditRows(
  options: Omit<AuditOptions, 'decode'>,
  visit: (found: ArchiveRows, note: Note) => Promise<void> | void,
): Promise<IndexReport> {
  const { dest, selection = {}, signal } = options;
  const { manifest } = await resolveManifest(options);
  await assertDirectory(dest);
  const layout = layoutOf(dest);
  const labels = await readLabels(layout, manifest, { signal, countBadCells: true });
  const source = await openIndexSource({ ...options, manifest, packed: true }, labels);
  const index = isEmptySelection(selection)
    ? await IndexComparison.read(layout.index, signal)
    : undefined;
  const audit = new JoinAudit(source);
  const note: Note = (kind, example) => {
    audit.note(kind, example);
  };
  for await (const found of indexRows(source, signal)) {
    audit.add(found.archive, found.rows, found.record);
    // index.csv has the images that are extracted.
    if (found.archive.packed === undefined) index?.add(found.rows);
    await visit(found, note);
  }
  audit.noteBeside(source.here);
  if (index !== undefined) audit.noteAll('index-differs', index.finish());
  return audit.finish();
}
