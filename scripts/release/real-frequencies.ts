import type { Random } from './random.ts';
import {
  CHEST_LABEL_NAMES,
  type ArchiveSpec,
  type ChestLabel,
  type Frequencies,
} from './release-types.ts';

/** Counted in a fifth of ChestDx's rows, drawn by patient. */
const ROWS = 24_023;
const NO_FINDING = 17_104;
const COUNTS: Readonly<Record<ChestLabel, number>> = {
  Consolidation: 54,
  Fibrosis: 1533,
  Nodule: 1551,
  Hernia: 14,
  Atelectasis: 71,
  Pneumothorax: 301,
  Edema: 55,
  Pneumonia: 3114,
  Emphysema: 255,
  Effusion: 1714,
  Infiltration: 2902,
  Pleural_thickening: 1462,
  Mass: 257,
  Cardiomegaly: 717,
};
const FINDINGS = Object.values(COUNTS).reduce((sum, count) => sum + count, 0);

/**
 * Those of the real rows: of ChestDx 24,023 rows were counted, 1.30 images a patient and 6 at most; of
 * ChestDx-PE the images of a patient alone (1.12, 4 at most), so that it has the labels of ChestDx here.
 */
export const REAL_FREQUENCIES: Frequencies = {
  pickLabels,
  oneMore: (archive) => (isPe(archive) ? 1 - 37_804 / 42_402 : 1 - 18_466 / ROWS),
  mostImages: (archive) => (isPe(archive) ? 4 : 6),
};

function isPe(archive: string): boolean {
  return archive.startsWith('ChestDx_PE');
}

/** One finding by its share of all findings, then each other one by what its count still lacks. */
function pickLabels(random: Random): readonly ChestLabel[] {
  if (random.next() < NO_FINDING / ROWS) return [];
  let left = random.next() * FINDINGS;
  const first = CHEST_LABEL_NAMES.find((label) => (left -= COUNTS[label]) < 0);
  return CHEST_LABEL_NAMES.filter((label) => {
    const share = COUNTS[label] / FINDINGS;
    const chance = (COUNTS[label] / (ROWS - NO_FINDING) - share) / (1 - share);
    return label === first || random.next() < chance;
  });
}

/** The 74 archives that chest_dx.csv speaks of: ChestDx-1 to -51 and ChestDx_PE-1 to -23. */
export function chestArchives(
  images: { readonly chest: number; readonly pe: number },
  options: Omit<ArchiveSpec, 'name' | 'images'> = {},
): readonly ArchiveSpec[] {
  const named = (stem: string, archives: number, each: number) =>
    Array.from({ length: archives }, (_, at) => ({
      ...options,
      name: `${stem}-${at + 1}`,
      images: each,
    }));
  return [...named('ChestDx', 51, images.chest), ...named('ChestDx_PE', 23, images.pe)];
}

/** Images in an archive of the real dataset, about: 162,000 in all. */
export const REAL_IMAGES = { chest: 2345, pe: 1844 } as const;
