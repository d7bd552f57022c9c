import { CHEST_LABELS, COVID_LABELS, groupOf } from './groups.ts';
import type { ReleasePlan } from './plan-release.ts';
import { createRandom, shuffled } from './random.ts';
import { CHEST_LABEL_NAMES, type ReleaseImage, type ReleaseSpec } from './release-types.ts';

/** The label files of a release, by name; one that would be without a row is left out. */
export function labelFilesOf(
  spec: ReleaseSpec,
  plan: ReleasePlan,
): ReadonlyMap<string, Uint8Array> {
  const images = [...plan.archives.flatMap((archive) => archive.images), ...plan.absent];
  // Upstream's rows have no order, either.
  const mixed = shuffled(images, createRandom(`rows ${spec.seed}`));
  const chest = mixed.filter(({ archive }) => groupOf(archive).isChest);
  const viral = mixed.filter(({ archive }) => groupOf(archive).labelFile === COVID_LABELS);
  const given = spec.labelFiles ?? {};
  const files = new Map<string, Uint8Array>();
  if (given.chest !== undefined) files.set(CHEST_LABELS.name, given.chest);
  else if (chest.length > 0) files.set(CHEST_LABELS.name, toCsv(CHEST_HEADER, chest, chestRow));
  if (given.covid !== undefined) files.set(COVID_LABELS.name, given.covid);
  else if (viral.length > 0) files.set(COVID_LABELS.name, toCsv(COVID_HEADER, viral, covidRow));
  return files;
}

const CHEST_HEADER = ['image', 'zip', ...CHEST_LABEL_NAMES, 'No_finding'];
const COVID_HEADER = ['image', 'COVID-19'];

function chestRow({ name, archive, labels }: ReleaseImage): readonly string[] {
  const cells = CHEST_LABEL_NAMES.map((label) => (labels.includes(label) ? '1' : '0'));
  return [name, archive, ...cells, labels.length === 0 ? '1' : '0'];
}

function covidRow({ name, covid }: ReleaseImage): readonly string[] {
  return [name, covid ? 'True' : 'False'];
}

/** No cell of ours needs quotes. */
function toCsv(
  header: readonly string[],
  images: readonly ReleaseImage[],
  toRow: (image: ReleaseImage) => readonly string[],
): Buffer {
  const rows = [header, ...images.map(toRow)];
  return Buffer.from(rows.map((cells) => `${cells.join(',')}\n`).join(''));
}
