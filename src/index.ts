// The public API. Every command of the command line is a thin shell over one of these functions:
// options in, typed events while it runs, a typed result out, an AbortSignal to stop it. Nothing
// here prints or exits.
export { CcxriError, ERROR_CODES, isCcxriError, toErrorRecord } from './errors.ts';
export type { ErrorCode, ErrorFacts, ErrorRecord } from './errors.ts';
export type {
  CheckName,
  CheckRow,
  EventListener,
  Phase,
  PhaseProgress,
  PlanEvent,
  PlannedWork,
  RunEvent,
  WarningCode,
} from './events.ts';

export { BUNDLED_MANIFEST_PATH, loadManifest, parseManifest } from './manifest/load.ts';
export {
  findFile,
  selectFiles,
  subsetNames,
  type Manifest,
  type ManifestFile,
  type Selection,
} from './manifest/manifest.ts';

export { fetchDataset } from './fetch/fetch-dataset.ts';
export type {
  Connections,
  FetchOptions,
  FetchOutcome,
  FetchPlan,
  FetchResult,
  FetchStatus,
  FetchStep,
} from './fetch/fetch-types.ts';
export { verifyDataset } from './verify/verify-dataset.ts';
export type {
  VerifyDepth,
  VerifyOptions,
  VerifyOutcome,
  VerifyResult,
  VerifyStatus,
} from './verify/types.ts';
export { extractDataset } from './extract/extract-dataset.ts';
export type {
  ExtractOptions,
  ExtractOutcome,
  ExtractResult,
  ExtractStatus,
} from './extract/types.ts';
export { joinDataset } from './labels/build-index.ts';
export type { JoinOptions } from './labels/build-index.ts';
export type { IndexResult } from './labels/build-index.ts';
export type { Remark, RemarkKind } from './labels/audit.ts';
export { describeRemark } from './labels/describe-remark.ts';
export { LABELS, NO_FINDING } from './labels/label-names.ts';
export type { ImageClass } from './labels/join.ts';
export { datasetStatus } from './status.ts';
export type { FileState, FileStatusRow, StatusOptions, StatusResult } from './status.ts';
export { listDataset } from './list.ts';
export type { DatasetList, SubsetRow } from './list.ts';
export { resolveLinks } from './links.ts';
export type { LinkRow, LinksOptions, LinksResult } from './links.ts';
export { diagnose } from './doctor/diagnose.ts';
export type { DoctorOptions, DoctorResult } from './doctor/types.ts';
export { makeManifest } from './make-manifest/make-manifest.ts';
export type { MakeManifestOptions, MakeManifestResult } from './make-manifest/make-manifest.ts';
export { runDemo } from './demo/run-demo.ts';
export type { DemoOptions, DemoResult } from './demo/run-demo.ts';
export type { FileOutcome, RunOptions } from './dataset/session.ts';
