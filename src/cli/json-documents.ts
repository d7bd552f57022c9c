import type { AdoptResult } from '../adopt/types.ts';
import type { AuditResult } from '../audit/types.ts';
import type { DemoResult } from '../demo/run-demo.ts';
import type { DoctorResult } from '../doctor/types.ts';
import type { ErrorRecord } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { ExportResult } from '../export/types.ts';
import type { ExtractDid, ExtractResult } from '../extract/types.ts';
import type { FetchDid, FetchPlan, FetchResult } from '../fetch/fetch-types.ts';
import type { StatusKey } from '../file-status.ts';
import type { Handoff } from '../handoff/types.ts';
import type { IndexResult } from '../labels/build-index.ts';
import type { LinksResult } from '../links.ts';
import type { DatasetList } from '../list.ts';
import type { LockResult } from '../lockfile/types.ts';
import type { MakeManifestResult } from '../make-manifest/make-manifest.ts';
import type { MembersResult } from '../members/types.ts';
import type { RepairDid, RepairResult } from '../repair/types.ts';
import type { ReportResult } from '../report/types.ts';
import type { ServeResult } from '../serve/types.ts';
import type { QueryResult } from '../query/types.ts';
import type { SplitCheck, SplitResult } from '../split/types.ts';
import type { StatsResult } from '../stats.ts';
import type { StatusResult } from '../status.ts';
import type { VerifyResult } from '../verify/types.ts';
import type { ExitCode } from './exit-codes.ts';
import type { CommandName } from './options.ts';

// docs/json.md is made of these types and their comments: `npm run json-docs`.

/** Version of the forms in docs/json.md. Raised only when a field is renamed, removed or changed. */
export const FORMAT_VERSION = 2;

/** What `--json` prints, and `--ndjson` as its last line: one form, whatever came of the run. */
export interface RunDocument {
  /** Version of all forms on this page. */
  readonly formatVersion: typeof FORMAT_VERSION;
  /** Version of ccxri. */
  readonly ccxriVersion: string;
  /** When it was printed. */
  readonly time: string;
  /** The command that ran. Null where the command line could not be read so far. */
  readonly command: CommandName | null;
  /** true: the exit code is 0. */
  readonly ok: boolean;
  /** The exit code of the process; README.md says what each means. */
  readonly exitCode: ExitCode;
  /**
   * How many files (or rows, or remarks) of each kind: see the command. Empty after a failure that
   * left no result.
   */
  readonly counts: Partial<CommandCounts[CommandName]>;
  /** What the command found or did: see the command. Null after a failure that left no result. */
  readonly result: CommandResults[CommandName] | null;
  /** What is not as it should be, of single files too: it decides the exit code. Empty where nothing is. */
  readonly errors: readonly (ErrorRecord | BugRecord)[];
}

/** The last line of `--ndjson`: the document of `--json` on one line. */
export interface SummaryEvent extends RunDocument {
  readonly event: 'summary';
}

/** What `--ndjson` prints, one a line, each with `formatVersion`, `ccxriVersion` and `time`. */
export type NdjsonEvent = RunEvent | SummaryEvent;

/** An error that is a bug of ccxri; the exit code is 1. */
export interface BugRecord {
  /** Beside the codes of ErrorCode. */
  readonly code: 'bug';
  /** What Node says of it. */
  readonly message: string;
}

/** `result`, by command. */
export interface CommandResults {
  readonly list: DatasetList;
  readonly query: QueryResult;
  readonly fetch: FetchResult | StoppedFetch;
  readonly verify: VerifyResult;
  readonly repair: RepairResult;
  readonly members: MembersResult;
  readonly adopt: AdoptResult;
  readonly extract: ExtractResult;
  readonly join: IndexResult;
  readonly audit: AuditResult;
  readonly split: SplitResult | SplitCheck;
  readonly export: ExportResult;
  readonly stats: StatsResult;
  readonly report: ReportResult;
  readonly status: StatusResult;
  readonly serve: ServeResult;
  readonly links: LinksResult;
  readonly plan: PlanResult;
  readonly lock: LockResult;
  readonly doctor: DoctorResult;
  readonly manifest: ManifestCommandResult;
  readonly demo: DemoResult | DemoDryRun;
}

/** After a stop (Ctrl-C, SIGTERM) of a fetch: what had been done until then. */
export type StoppedFetch = Pick<FetchResult, 'dest' | 'outcomes'>;

/** A manifest that was made. */
export interface ManifestCommandResult extends MakeManifestResult {
  /** The file of `--output`. Null where none was given. */
  readonly output: string | null;
}

/** What a fetch would do, or what is missing. */
export interface PlanResult {
  /** The dataset directory. */
  readonly dest: string;
  /** The key of `--cache-key`. */
  readonly cacheKey: string;
  /** What a fetch would do. Absent with `--format` and `--cache-key`. */
  readonly plan?: FetchPlan | undefined;
  /** What is missing. Absent without `--format`. */
  readonly handoff?: Handoff | undefined;
}

/** With `--dry-run`. */
export interface DemoDryRun {
  /** The directory that the demo would make. */
  readonly dest: string;
  /** Nothing was done. */
  readonly dryRun: true;
}

/** `counts`, by command. */
export interface CommandCounts {
  readonly list: FileCount;
  readonly query: QueryCounts;
  readonly fetch: FetchCounts;
  readonly verify: VerifyCounts;
  readonly repair: RepairCounts;
  readonly members: MembersCounts;
  readonly adopt: AdoptCounts;
  readonly extract: ExtractCounts;
  readonly join: JoinCounts;
  readonly audit: AuditCounts;
  readonly split: SplitCounts;
  readonly export: ExportCounts;
  readonly stats: StatsCounts;
  readonly report: ReportCounts;
  readonly status: StatusCounts;
  readonly serve: ServeCounts;
  readonly links: LinksCounts;
  readonly plan: PlanCounts;
  readonly lock: FileCount;
  readonly doctor: DoctorCounts;
  readonly manifest: ManifestCounts;
  readonly demo: FetchCounts;
}

export interface FileCount {
  /** Files that the result describes. */
  readonly files: number;
}

export interface QueryCounts {
  /** Images that were chosen, controls not counted. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** Images that were picked as controls. */
  readonly controls: number;
  /** Archives that have one of them. */
  readonly archives: number;
  /** Names of the lists that are not in the selection. */
  readonly unknown: number;
}

export interface FetchCounts extends FileCount, Readonly<Record<StatusKey | FetchDid, number>> {
  /** Rows of the index; 0 where none was written. Absent after a stop. */
  readonly rows?: number;
  /** Chosen images, controls among them. Absent where none were chosen, and after a stop. */
  readonly images?: number;
  /** Of these, those that are here. Absent where none were chosen, and after a stop. */
  readonly imagesHere?: number;
}

export interface MembersCounts {
  /** Archives that were looked at. */
  readonly archives: number;
  /** Those whose directory is known. */
  readonly listed: number;
  /** Files in these. */
  readonly members: number;
  /** Images in these. */
  readonly images: number;
}

export interface AdoptCounts extends FileCount {
  /** Archives and label files that were taken. */
  readonly adopted: number;
  /** Those that would be, in a dry run. */
  readonly planned: number;
  /** Those that were here, and right. */
  readonly here: number;
  /** Those that could not be taken. */
  readonly failed: number;
  /** Images taken, or to be taken, each checked by its CRC-32. */
  readonly imagesCrcChecked: number;
  /** Images taken, or to be taken, by their names. */
  readonly imagesNamed: number;
  /** Images that were here. */
  readonly imagesHere: number;
  /** What was found and left where it is. */
  readonly left: number;
}

export interface VerifyCounts extends FileCount, Readonly<Record<StatusKey, number>> {
  /** Files of the manifest that were not asked for by name and are not here. */
  readonly notHere: number;
}

export interface RepairCounts extends FileCount, Readonly<Record<StatusKey | RepairDid, number>> {}

export interface ExtractCounts extends Readonly<Record<StatusKey | ExtractDid, number>> {
  /** Archives that the result describes. */
  readonly archives: number;
}

export interface JoinCounts {
  /** Rows of the index: one an image. */
  readonly rows: number;
  /** Images whose labels are known: the 14 labels of chest_dx.csv, and No_Finding. */
  readonly rowsWithLabels: number;
  /** Archives whose images are here. */
  readonly archives: number;
  /** What does not add up between images and labels. */
  readonly remarks: number;
}

export interface AuditCounts {
  /** Images that are here. */
  readonly images: number;
  /** Images that were opened. */
  readonly imagesOpened: number;
  /** Kinds of things that do not add up. */
  readonly remarks: number;
  /** Of these, those that `--strict` makes errors. */
  readonly strictRemarks: number;
}

export interface SplitCounts {
  /** Images in all parts. */
  readonly images: number;
  /** Patients in all parts. */
  readonly patients: number;
  /** Parts of the split. */
  readonly parts: number;
}

export interface ExportCounts {
  /** Images that were exported, or whose rows were. */
  readonly images: number;
  /** Images that could not be read. */
  readonly leftOut: number;
  /** Files that were written, images and descriptions not counted. */
  readonly files: number;
}

export interface StatsCounts {
  /** Images that were counted. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** Archives whose images are here. */
  readonly archives: number;
}

export interface ReportCounts {
  /** Images that the report is about. */
  readonly images: number;
  /** Patients that they are of. */
  readonly patients: number;
  /** Splits that it shows. */
  readonly splits: number;
  /** What does not add up between images, labels and index.csv. */
  readonly remarks: number;
}

export interface StatusCounts extends FileCount, Readonly<Record<StatusKey, number>> {}

export interface ServeCounts {
  /** Requests that came, whatever the answer. */
  readonly requests: number;
  /** Requests that were sent away because too many were under way. */
  readonly refused: number;
}

export interface LinksCounts extends FileCount {
  /** Files that a source has. */
  readonly found: number;
  /** Files that no source has. */
  readonly notFound: number;
}

export interface PlanCounts extends FileCount {
  /** Of these, those that are missing. Absent with `--cache-key`. */
  readonly missing?: number;
  /** Of the missing ones, those whose address is known. Absent without `--format`. */
  readonly withAddress?: number;
}

export interface DoctorCounts {
  /** Checks of the result. */
  readonly checks: number;
  /** Checks with nothing to be done. */
  readonly ok: number;
  /** Checks with a drawback. */
  readonly warnings: number;
  /** Checks with what keeps a fetch from working. */
  readonly problems: number;
}

export interface ManifestCounts extends FileCount {
  /** Files of the directory that are neither archives nor label files. */
  readonly leftOut: number;
}
