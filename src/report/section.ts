import type { IndexReport } from '../labels/audit.ts';
import type { IndexRow } from '../labels/join.ts';
import type { ImageStats } from '../labels/stats.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Html } from './html.ts';
import type { ImageSample } from './image-sample.ts';
import type { Looks } from './look-at-images.ts';
import type { ImageBytes } from './image-bytes.ts';
import type { PartCounts } from './part-counts.ts';

/** What a report shows. */
export interface ReportData {
  readonly manifest: Manifest;
  readonly madeAt: Date;
  readonly ccxriVersion: string;
  /** It is about a part of what is here. */
  readonly isSelection: boolean;
  readonly stats: ImageStats;
  /** The subsets, as parts. */
  readonly subsets: PartCounts;
  readonly splits: readonly (PartCounts & { readonly name: string })[];
  readonly notSplits: readonly string[];
  readonly bytes: ImageBytes;
  readonly audit: IndexReport;
  readonly picked: ImageSample;
  /** What was seen of them. undefined: nothing can decode an image. */
  readonly looks: Looks | undefined;
  /** Of an image that is extracted, relative to the report. */
  readonly addressOf: (row: IndexRow) => string;
}

/** A part of the page under a heading of its own. */
export interface Section {
  /** Letters alone: its address in the page. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}
