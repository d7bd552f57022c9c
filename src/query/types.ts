import type { FetchOptions } from '../fetch/fetch-types.ts';
import type { Remark } from '../labels/remarks.ts';
import type { LabelCount } from '../labels/choose-images.ts';
import type { ChoiceLabel } from '../labels/image-choice.ts';
import type { ImageClass } from '../labels/join.ts';
import type { TypedChoice } from '../labels/make-choice.ts';

/** Where files come from is asked for what the choice needs and is not here: label files, directories. */
export interface QueryOptions extends Pick<
  FetchOptions,
  | 'manifest'
  | 'manifestText'
  | 'dest'
  | 'selection'
  | 'signal'
  | 'onEvent'
  | 'clock'
  | 'sources'
  | 'pageUrl'
  | 'headers'
  | 'headerHosts'
  | 'userAgent'
  | 'timeoutMs'
  | 'env'
> {
  readonly choice: TypedChoice;
  /** List the images, too. Default false. */
  readonly list?: boolean | undefined;
}

/** How many images, and of how many patients. */
export interface ImageCounts {
  /** Chosen images, controls not counted. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** Images without a finding that were picked as controls. */
  readonly controls: number;
}

/** What of a choice is in a subset. */
export interface SubsetImages extends ImageCounts {
  /** The subset; an archive counts in each that it belongs to. */
  readonly subset: string;
}

/** What of a choice is in an archive. */
export interface ArchiveChoice extends ImageCounts {
  /** Manifest name. */
  readonly file: string;
  /** Subsets that it belongs to. */
  readonly subsets: readonly string[];
  /** What the images and controls take in the archive. Null where no member index of it is kept. */
  readonly bytes: number | null;
  /** Requests that fetch them, neighbours together. Null where no member index of it is kept. */
  readonly requests: number | null;
}

/** An image that was chosen. */
export interface ChosenImage {
  /** Its name. */
  readonly image: string;
  /** Manifest name of its archive. */
  readonly file: string;
  /** Subsets that its archive belongs to. */
  readonly subsets: readonly string[];
  /** Its class, as in index.csv. Null where it has none, or it is not known. */
  readonly class: ImageClass | null;
  /** Its patient. */
  readonly patientId: string;
  /** The labels that it has. Null where it has no row in a label file. */
  readonly labels: readonly ChoiceLabel[] | null;
  /** true: it was picked as a control. */
  readonly control: boolean;
}

/** Which images a choice means, counted. */
export interface QueryResult extends ImageCounts {
  /** The dataset directory, as it was given. */
  readonly dest: string;
  /** Images that fit the choice before its limits. */
  readonly fitting: number;
  /** Images that could be controls; 0 where none were asked for. */
  readonly controlsAvailable: number;
  /** By label: those asked for first, then others that images of the choice have as well. */
  readonly labels: readonly LabelCount[];
  /** By subset, in the manifest's order. */
  readonly subsets: readonly SubsetImages[];
  /** By archive, in the order of index.csv. */
  readonly archives: readonly ArchiveChoice[];
  /** Bytes of all archives. Null where those of one are not known. */
  readonly bytes: number | null;
  /** Requests of all archives. Null where those of one are not known. */
  readonly requests: number | null;
  /** Patients of the list that have no image in the selection. */
  readonly unknownPatients: readonly string[];
  /** Images of the list that are not in the selection, or have no row in its label file. */
  readonly unknownImages: readonly string[];
  /** Chosen images, as `ChestDx-1/patient1_000.jpg`, that the member index of their archive does not have. */
  readonly notInArchive: readonly string[];
  /** What of the label files fits no archive of the manifest. */
  readonly remarks: readonly Remark[];
  /** The images, controls last. Absent where they were not asked for. */
  readonly list?: readonly ChosenImage[] | undefined;
}
