import type { Random } from './random.ts';

/** The labels of chest_dx.csv in its own order and spelling; No_finding is its last column. */
export const CHEST_LABEL_NAMES = [
  'Consolidation',
  'Fibrosis',
  'Nodule',
  'Hernia',
  'Atelectasis',
  'Pneumothorax',
  'Edema',
  'Pneumonia',
  'Emphysema',
  'Effusion',
  'Infiltration',
  'Pleural_thickening',
  'Mass',
  'Cardiomegaly',
] as const;

export type ChestLabel = (typeof CHEST_LABEL_NAMES)[number];

/** How often something is so in the rows of a release. */
export interface Frequencies {
  /** Labels of one image; none: No_finding. */
  readonly pickLabels: (random: Random) => readonly ChestLabel[];
  /** The chance that a patient of an archive has one more image. */
  readonly oneMore: (archive: string) => number;
  /** Images a patient of an archive has at most. */
  readonly mostImages: (archive: string) => number;
}

/** What a made-up release is to hold. The same spec makes the same bytes. */
export interface ReleaseSpec {
  /** Everything left to chance comes from it. */
  readonly seed: string;
  readonly archives: readonly ArchiveSpec[];
  /** Archives that the label files speak of, though the release does not have them. */
  readonly labelsOnly?: readonly { readonly name: string; readonly images: number }[];
  /** Contents of chest_dx.csv and viral_pneumonia_COVID-19.csv, instead of made-up ones. */
  readonly labelFiles?: { readonly chest?: Uint8Array; readonly covid?: Uint8Array };
  /**
   * Publishes one MD5 for both Viral-1.zip and Other-1.zip, as the dataset's page does: that of the
   * file named here, or of neither. Default: each its own.
   */
  readonly doubledMd5?: 'Viral-1' | 'Other-1' | 'neither' | undefined;
  /** Whether the manifest knows exact sizes, or rounded ones only. Default true. */
  readonly exactBytes?: boolean | undefined;
  /** Where the page will be served: the manifest's homepage. Default http://127.0.0.1/ */
  readonly homepage?: string | undefined;
  /** Name in the manifest. Default `CC-CXRI (made up)`. */
  readonly dataset?: string | undefined;
  /** How often labels occur, and how many images patients have. Default: each label about as often. */
  readonly frequencies?: Frequencies | undefined;
  /** Makes an image's file. Default: draws a chest with its signs. */
  readonly toJpeg?: ((image: ReleaseImage) => Buffer | Promise<Buffer>) | undefined;
}

export interface ArchiveSpec {
  /** As the dataset names them: `ChestDx-1`, `ChestDx_PE-1`, `Normal-1`, `Viral-1`, `Other-1`. */
  readonly name: string;
  /** How many, or their names. */
  readonly images: number | readonly string[];
  /** Width and height in pixels. Default 64. */
  readonly imageSize?: number | undefined;
  /** A folder of the archive's name inside the zip. Default false. */
  readonly topFolder?: boolean | undefined;
  /** Names of files beside the images that are none. */
  readonly strays?: readonly string[] | undefined;
  /** Default `deflate`, level 6. */
  readonly method?: 'deflate' | 'store' | undefined;
}

export interface ReleaseImage {
  /** `patient10924379_000.jpg` */
  readonly name: string;
  /** `ChestDx-1` */
  readonly archive: string;
  /** `patient10924379` */
  readonly patient: string;
  readonly size: number;
  /** Of ChestDx and ChestDx_PE; empty: No_finding. */
  readonly labels: readonly ChestLabel[];
  /** Of Viral archives. */
  readonly covid: boolean;
}

export interface PlannedArchive {
  readonly spec: ArchiveSpec;
  readonly images: readonly ReleaseImage[];
}
