// The commands that work on what is here, without a network: loaded in one piece, as those that download are.
export { runAdopt } from './adopt.ts';
export { runAudit } from './audit.ts';
export { runExport } from './export.ts';
export { runExtract } from './extract.ts';
export { runJoin } from './join.ts';
export { runManifest } from './manifest.ts';
export { runReport } from './report.ts';
export { runServe } from './serve.ts';
export { runSplit } from './split.ts';
export { runStats } from './stats.ts';
export { runStatus } from './status.ts';
export { runVerify } from './verify.ts';
