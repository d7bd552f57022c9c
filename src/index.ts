// The public API. Every command of the command line is a thin shell over one of these functions:
// options in, typed events while it runs, a typed result out, an AbortSignal to stop it. Nothing
// here prints or exits.
export { CcxriError, ERROR_CODES, isCcxriError, toErrorRecord } from './errors.ts';
export type {
  CcxriErrorOptions,
  ErrorCode,
  ErrorFacts,
  ErrorRecord,
  NextAct,
  NextCommand,
  NextOption,
  NextStep,
} from './errors.ts';
export type {
  CaughtEvent,
  CaughtFault,
  CheckEvent,
  AboutFile,
  ArchiveListedEvent,
  LookedEvent,
  ArchiveRemovedEvent,
  ConnectionsEvent,
  DamagedMember,
  DemoStartEvent,
  EventListener,
  FileDid,
  FileDoneEvent,
  IndexWrittenEvent,
  Phase,
  PhaseDoneEvent,
  PhaseProgress,
  PeakPlan,
  PhaseStartEvent,
  PlanEvent,
  PlannedImages,
  PlannedLabel,
  PlannedWork,
  ProgressEvent,
  RunProgress,
  ProxyEvent,
  RepairEvent,
  RequestEvent,
  RetryEvent,
  RunEvent,
  ServingEvent,
  SourceLeftEvent,
  SourceRetryEvent,
  WarningCode,
  WarningEvent,
} from './events.ts';
export type { CheckName, CheckRow } from './checks.ts';
export type { Clock } from './clock.ts';
export { FILE_STATUSES } from './file-status.ts';
export type { FileStatus } from './file-status.ts';

export { BUNDLED_MANIFEST_PATH, loadManifest, parseManifest } from './manifest/load.ts';
export {
  findFile,
  selectFiles,
  subsetNames,
  type Manifest,
  type ManifestFile,
  type SubsetCounts,
  type Selection,
} from './manifest/manifest.ts';

export { fetchDataset } from './fetch/fetch-dataset.ts';
export type {
  Connections,
  FetchDid,
  FetchOptions,
  FetchOutcome,
  FetchPlan,
  FetchResult,
  FetchStep,
  FetchedImages,
  WholeArchives,
} from './fetch/fetch-types.ts';
export type { RepairPlan, RepairReport } from './fetch/repair-types.ts';
export { verifyDataset } from './verify/verify-dataset.ts';
export type { VerifyDepth, VerifyOptions, VerifyOutcome, VerifyResult } from './verify/types.ts';
export { listMembers } from './members/list-members.ts';
export type {
  ArchiveMembers,
  MemberOfArchive,
  MembersFrom,
  MembersOptions,
  MembersResult,
} from './members/types.ts';
export { repairDataset } from './repair/repair-dataset.ts';
export type { RepairDid, RepairOptions, RepairOutcome, RepairResult } from './repair/types.ts';
export { adoptDataset } from './adopt/adopt-dataset.ts';
export type {
  AdoptDid,
  AdoptOptions,
  AdoptResult,
  AdoptedFile,
  AdoptedImages,
  LeftExample,
  LeftFiles,
  LeftWhy,
  LinkMode,
  TakenHow,
} from './adopt/types.ts';
export { extractDataset } from './extract/extract-dataset.ts';
export type { ExtractDid, ExtractOptions, ExtractOutcome, ExtractResult } from './extract/types.ts';
export { joinDataset } from './join.ts';
export { joinDirectories } from './join-directories.ts';
export type { JoinDirectoriesOptions } from './join-directories.ts';
export type { JoinOptions } from './labels/build-index.ts';
export type { IndexResult, JoinedDirectory } from './labels/build-index.ts';
export { auditDataset } from './audit/audit-dataset.ts';
export type { AuditOptions, AuditResult } from './audit/types.ts';
export { REMARK_KINDS } from './labels/remarks.ts';
export type { Remark, RemarkKind } from './labels/remarks.ts';
export type { IndexReport } from './labels/audit.ts';
export { describeRemark } from './labels/describe-remark.ts';
export { LABELS, NO_FINDING } from './labels/label-names.ts';
export type { Examples, LabelColumn } from './labels/label-names.ts';
export type { ImageCheck, ImageClass } from './labels/join.ts';
export { CHOICE_LABELS, toChoiceLabel } from './labels/image-choice.ts';
export type { ChoiceLabel, ImageChoice } from './labels/image-choice.ts';
export { datasetStats } from './stats.ts';
export type { StatsOptions, StatsResult } from './stats.ts';
export type { GroupStats, ImageStats, LabelPair, LabelStats, SubsetStats } from './labels/stats.ts';
export { writeReport } from './report/report-dataset.ts';
export type { ReportOptions, ReportResult } from './report/types.ts';
export { datasetStatus } from './status.ts';
export type { FileStatusRow, ImagesStatus, StatusOptions, StatusResult } from './status.ts';
export { serveDataset } from './serve/serve-dataset.ts';
export type { ServeOptions, ServeResult } from './serve/types.ts';
export { listDataset } from './list.ts';
export type { DatasetList, ListedFile, SubsetRow } from './list.ts';
export { resolveLinks } from './links.ts';
export type { LinkRow, LinksOptions, LinksResult } from './links.ts';
export { queryImages } from './query/query-images.ts';
export type {
  ArchiveChoice,
  ChosenImage,
  ImageCounts,
  QueryOptions,
  QueryResult,
  SubsetImages,
} from './query/types.ts';
export { renderImagesCsv } from './query/render-csv.ts';
export type { LabelCount } from './labels/choose-images.ts';
export type { TypedChoice } from './labels/make-choice.ts';
export { splitDataset } from './split/split-dataset.ts';
export { checkSplit } from './split/check-split.ts';
export type {
  CheckSplitOptions,
  CheckedPart,
  PartBeside,
  SplitCheck,
  SplitOptions,
  SplitResult,
} from './split/types.ts';
export type { PartShare } from './labels/split.ts';
export type { LabelShare, SplitPart } from './labels/split-balance.ts';
export type { SplitLabel } from './labels/split-labels.ts';
export { exportDataset } from './export/export-dataset.ts';
export { EXPORT_FORMATS, IMAGE_FORMATS } from './export/types.ts';
export type {
  ExportFormat,
  ExportOptions,
  ExportResult,
  ExportedPart,
  ImageFormat,
  LeftOutImage,
} from './export/types.ts';
export { diagnose } from './doctor/diagnose.ts';
export type { DoctorOptions, DoctorResult } from './doctor/types.ts';
export { makeManifest } from './make-manifest/make-manifest.ts';
export type { MakeManifestOptions, MakeManifestResult } from './make-manifest/make-manifest.ts';
export type { DemoProgram } from './demo/fetch-process.ts';
export { runDemo } from './demo/run-demo.ts';
export type { DemoOptions, DemoResult } from './demo/run-demo.ts';
export type { FileOutcome, RunOptions, SessionOptions } from './dataset/session.ts';
export type { ShardOptions } from './dataset/locks.ts';
export type { JobAttempt } from './fs/lock-file.ts';
export type { Shard } from './manifest/shard.ts';
export type { MembersNoted } from './dataset/images.ts';
export type { BrokenImage } from './zip/member-faults.ts';
export type { ImageFault } from './fs/image-content.ts';
export type { SourceKind } from './sources/source.ts';
