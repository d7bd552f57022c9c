import type { IndexReport } from '../labels/audit.ts';
import type { ImageStats } from '../labels/stats.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Html } from './html.ts';
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
}

/** A part of the page under a heading of its own. */
export interface Section {
  /** Letters alone: its address in the page. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}
