import { systemClock } from '../clock.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { layoutOf } from '../dataset/layout.ts';
import { assertDirectory } from '../dataset/session.ts';
import { ignoreEvents } from '../events.ts';
import { JoinAudit } from '../labels/audit.ts';
import { indexRows, openIndexSource, warningOf } from '../labels/build-index.ts';
import type { RemarkKind } from '../labels/remarks.ts';
import { readLabels } from '../labels/scan.ts';
import { isEmptySelection } from '../manifest/manifest.ts';
import { IndexComparison } from './compare-index.ts';
import { loadDecoder } from './decoder.ts';
import { openImagesOf } from './open-images.ts';
import type { AuditOptions, AuditResult } from './types.ts';

/**
 * Compares the images that are here, extracted or in checked archives, with the label files and index.csv,
 * and says what does not add up. Writes nothing.
 * @throws CcxriError `missing`: no such directory, or no images in it; `usage`: sharp is needed and not
 *   installed; `unknown-subset`, `unknown-file`; `labels-invalid`; of the disk; `aborted`
 */
export async function auditDataset(options: AuditOptions): Promise<AuditResult> {
  const { dest, selection = {}, signal, onEvent = ignoreEvents, clock = systemClock } = options;
  const startedMs = clock.nowMs();
  const { manifest } = await resolveManifest(options);
  await assertDirectory(dest);
  const decode = options.decode === true ? await loadDecoder() : undefined;
  const layout = layoutOf(dest);
  const labels = await readLabels(layout, manifest, { signal, countBadCells: true });
  const source = await openIndexSource({ ...options, manifest, packed: true }, labels);
  const index = isEmptySelection(selection)
    ? await IndexComparison.read(layout.index, signal)
    : undefined;
  const audit = new JoinAudit(source);
  const counts = { imagesOpened: 0, imagesPacked: 0 };
  for await (const found of indexRows(source, signal)) {
    const { archive, rows, record } = found;
    audit.add(archive, rows, record);
    // index.csv has the images that are extracted.
    if (archive.packed === undefined) index?.add(rows);
    else counts.imagesPacked += rows.length;
    const note = (kind: RemarkKind, example: string) => audit.note(kind, example);
    counts.imagesOpened += await openImagesOf(found, {
      ...{ layout, decode, note, signal, clock, onEvent },
    });
  }
  audit.noteBeside(source.here);
  if (index !== undefined) audit.noteAll('index-differs', index.finish());
  const decoded = decode !== undefined;
  const result = { dest, ...audit.finish(), ...counts, decoded };
  for (const remark of result.remarks) onEvent(warningOf(remark));
  return { ...result, elapsedMs: clock.nowMs() - startedMs };
}
