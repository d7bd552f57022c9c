import { CcxriError, isCcxriError } from '../../errors.ts';
import { fetchDataset } from '../../fetch/fetch-dataset.ts';
import type { FetchOutcome, FetchPlan, FetchResult } from '../../fetch/fetch-types.ts';
import { listDataset } from '../../list.ts';
import {
  type Manifest,
  type ManifestFile,
  isEmptySelection,
  selectFiles,
} from '../../manifest/manifest.ts';
import { selectionFlags } from '../next-steps.ts';
import { count, formatBytes } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { Settings } from '../options.ts';
import { FETCH_STATUSES, renderFetched, renderPlan, type Fetched } from '../render-fetch.ts';
import { countStatuses } from '../render-outcomes.ts';
import { renderTable } from '../render-table.ts';
import { asThrown } from '../report.ts';
import { concurrencyOf, errorsOf, runOptionsOf, sourceOptionsOf, strictErrors } from './shared.ts';

export async function runFetch(context: CommandContext): Promise<CommandOutcome> {
  const { settings, clock, confirm } = context;
  const run = await runOptionsOf(context);
  if (isEmptySelection(run.selection)) throw nothingSelected(run.manifest);
  const came: FetchOutcome[] = [];
  const startMs = clock.nowMs();
  const fetching = fetchDataset({
    ...run,
    ...sourceOptionsOf(context),
    ...concurrencyOf(settings),
    connections: settings.connections,
    ...(settings.limitRate === undefined ? {} : { limitRateBytesPerSecond: settings.limitRate }),
    retries: settings.retries,
    extract: !settings.noExtract,
    join: !settings.noJoin,
    deleteArchives: settings.deleteArchives,
    dryRun: settings.dryRun,
    wait: settings.wait,
    onOutcome: (outcome) => came.push(outcome),
    clock,
    ...(confirm === undefined
      ? {}
      : { confirmLowDisk: (plan: FetchPlan) => confirm(lowDiskQuestion(plan)) }),
  });
  try {
    return toOutcome(await fetching, context);
  } catch (thrown) {
    const error = asThrown(thrown, context.signal);
    if (settings.dryRun || !isCcxriError(error, 'aborted')) throw error;
    const outcomes = withStopped(selectFiles(run.manifest, run.selection), came);
    const elapsedMs = clock.nowMs() - startMs;
    return toStopped({ dest: run.dest, outcomes, bytesDownloaded: 0, elapsedMs }, error, context);
  }
}

/** In the manifest's order; what had not come out when the run was stopped is `stopped`. */
function withStopped(
  files: readonly ManifestFile[],
  came: readonly FetchOutcome[],
): readonly FetchOutcome[] {
  const nothing = { bytes: null, md5: null, check: null, source: null, members: null };
  return files.map(
    ({ name: file, kind }) =>
      came.find((outcome) => outcome.file === file) ?? {
        file,
        kind,
        status: 'stopped',
        ...nothing,
      },
  );
}

/** An interrupted run has come to something as well. */
function toStopped(fetched: Fetched, error: CcxriError, context: CommandContext): CommandOutcome {
  const { dest, outcomes } = fetched;
  return {
    result: { dest, outcomes },
    counts: { files: outcomes.length, ...countStatuses(FETCH_STATUSES, outcomes) },
    errors: [error, ...errorsOf(outcomes)],
    render: (view) => context.suggest(renderFetched(fetched, { view, again: againOf(context) })),
    isTalk: true,
  };
}

function toOutcome(result: FetchResult, context: CommandContext): CommandOutcome {
  const { dryRun } = result;
  const again = againOf(context);
  return {
    result,
    ...errorsOfFetch(result, context.settings),
    render: (view) =>
      context.suggest((dryRun ? renderPlan : renderFetched)(result, { view, again })),
    isTalk: !dryRun,
  };
}

/** What a fetch came to, for scripts: also that of the demo. */
export function errorsOfFetch(
  result: FetchResult,
  settings: Settings,
): Pick<CommandOutcome, 'counts' | 'errors'> {
  const { outcomes, index, indexError, dryRun, plan } = result;
  const contentChecked = outcomes.filter(({ check }) => check === 'content-checked');
  const disputed = contentChecked.map(({ file }) => file);
  return {
    counts: {
      files: dryRun ? plan.steps.length : outcomes.length,
      ...countStatuses(FETCH_STATUSES, outcomes),
      contentChecked: contentChecked.length,
      rows: index?.rows ?? 0,
    },
    errors: [
      ...errorsOf(outcomes),
      ...(indexError === undefined ? [] : [indexError]),
      ...strictErrors(settings, disputed, index),
    ],
  };
}

function againOf(context: CommandContext): string {
  return `\`${commandLine(context)}\`${secretsOf(context)}`;
}

/** What is not shown again, and has to be typed again. */
function secretsOf({ settings: { header, source } }: CommandContext): string {
  const isSigned = (url: string) => /^https?:\/\/[^/?#]*@/i.test(url);
  const secrets = [
    ...(Object.keys(header).length > 0 ? ['with your --header'] : []),
    ...(source.some(isSigned) ? ['with user and password in --source'] : []),
  ];
  return secrets.length === 0 ? '' : ` (${secrets.join(', ')})`;
}

/** What was asked for, to be typed again. */
function commandLine({ settings }: CommandContext): string {
  const { subset, file, noExtract, noJoin, deleteArchives } = settings;
  return [
    `ccxri fetch${selectionFlags({ subsets: subset, files: file })}`,
    ...(noExtract ? ['--no-extract'] : []),
    ...(noJoin ? ['--no-join'] : []),
    ...(deleteArchives ? ['--delete-archives'] : []),
  ].join(' ');
}

/** 43 GB are never fetched by accident. */
function nothingSelected(manifest: Manifest): CcxriError {
  const { subsets } = listDataset(manifest);
  // Said without titles, so each number has its unit beside it.
  const rows = subsets.map(({ subset, archives, aboutBytes }) => [
    subset,
    count(archives, 'archive'),
    `about ${formatBytes(aboutBytes)}`,
  ]);
  const right = { title: '', align: 'right' } as const;
  const table = renderTable([{ title: '' }, right, right], rows, Infinity);
  return new CcxriError('nothing-selected', 'say what to fetch; there is:', {
    reasons: table.trimEnd().split('\n'),
    hint: '`ccxri fetch --subset NAME`, or `ccxri fetch --file NAME`; `--subset all` is everything',
  });
}

function lowDiskQuestion({ bytesNeededOnDisk, bytesFreeOnDisk }: FetchPlan): string {
  const free = formatBytes(bytesFreeOnDisk ?? 0);
  return `This needs about ${formatBytes(bytesNeededOnDisk)} of disk, ${free} are free. Go on all the same?`;
}
