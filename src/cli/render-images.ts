import type { FetchResult, FetchedImages } from '../fetch/fetch-types.ts';
import type { Remark } from '../labels/remarks.ts';
import { describeRemark } from '../labels/describe-remark.ts';
import type { PlannedImages } from '../plan-event.ts';
import { count, formatBytes, formatCount, formatSize } from '../text.ts';
import { renderSome } from './render-outcomes.ts';
import type { View } from './view.ts';

/** What of a choice of images is not as it was asked for. */
type ChoiceNotes = Pick<
  FetchedImages,
  'unknownPatients' | 'unknownImages' | 'notInArchive' | 'remarks'
>;

/** What was asked for by name, or has a row of labels, and is nowhere. */
export function unknownOf(notes: Omit<ChoiceNotes, 'remarks'>): readonly string[] {
  return [...notes.unknownPatients, ...notes.unknownImages, ...notes.notInArchive];
}

export function renderChoiceNotes(notes: ChoiceNotes, view: View): string {
  const { unknownPatients, unknownImages, notInArchive, remarks } = notes;
  const some = (what: string, names: readonly string[]) =>
    names.length === 0 ? '' : renderSome(what, names, view);
  const of = (names: readonly string[], noun: string, what: string) =>
    some(`${count(names.length, noun)} ${what}`, names);
  return [
    of(unknownPatients, 'patient', 'of the list not in the selection'),
    of(
      unknownImages,
      'image',
      'of the list not in the selection, or without a row in its label file',
    ),
    of(notInArchive, 'image', 'that the archive does not have, though the label file names it'),
    ...remarks.map((remark) => `remark: ${describeRemark(remark)}\n`),
  ].join('');
}

/**
 * What a fetch of chosen images will cost, by label, and what whole archives would have been.
 * @param readBytes label files and directories, which were read to know that
 */
export function renderImagesPlan(planned: PlannedImages, readBytes: number, view: View): string {
  const { images, controls, imagesHere, patients, archives, labels } = planned;
  const table = view.table(
    ['label', { right: 'images' }, { right: 'to fetch' }],
    labels.map(({ label, images: n, bytes }) => [label, formatCount(n), formatBytes(bytes)]),
  );
  const controlsOf = controls > 0 ? `, ${formatCount(controls)} of them controls` : '';
  const here = imagesHere > 0 ? `; ${formatCount(imagesHere)} here already` : '';
  const of = `of ${count(patients, 'patient')} in ${count(archives, 'archive')}`;
  const read = `downloaded for this plan, and not kept: ${formatBytes(readBytes)}`;
  const lines = [
    `${count(images, 'image')} ${of}${controlsOf}${here}`,
    ...costLines(planned),
    ...(readBytes > 0 ? [read] : []),
  ];
  // Of images that no label file speaks of there is none to show.
  return `${labels.length === 0 ? '' : `${table}\n`}${lines.join('\n')}\n`;
}

function costLines(planned: PlannedImages): readonly string[] {
  const { requests, bytes, wholeArchives, bytesOfWholeArchives, about } = planned;
  const single =
    requests > 0 ? [`single images: ${formatBytes(bytes)} in ${count(requests, 'request')}`] : [];
  const whole =
    wholeArchives > 0
      ? [
          `whole: ${count(wholeArchives, 'archive')}, where that costs less, or parts are not served`,
        ]
      : [];
  const all = formatSize({ bytes: bytesOfWholeArchives, about });
  const instead = bytesOfWholeArchives > 0 ? [`their whole archives would be ${all}`] : [];
  return [...single, ...whole, ...instead];
}

/** What has come of the choice. */
export function renderFetchedImages(
  images: FetchedImages,
  { outcomes, index }: Pick<FetchResult, 'outcomes' | 'index'>,
  view: View,
): string {
  const single = outcomes.filter(({ status }) => status === 'crc-checked');
  const singles = single.reduce((sum, outcome) => sum + (outcome.images ?? 0), 0);
  const how =
    singles > 0
      ? `; ${formatCount(singles)} came without their archive, each checked by its CRC-32`
      : '';
  const head = `${formatCount(images.here)} of ${count(images.images, 'image')} here${how}\n`;
  // Those that the index has are shown with it.
  const remarks = images.remarks.filter(({ kind, file }) => !hasRemark(index, kind, file));
  return view.prose(head, '  ') + renderChoiceNotes({ ...images, remarks }, view);
}

function hasRemark(
  index: FetchResult['index'],
  kind: Remark['kind'],
  file: string | undefined,
): boolean {
  return index?.remarks.some((remark) => remark.kind === kind && remark.file === file) === true;
}
