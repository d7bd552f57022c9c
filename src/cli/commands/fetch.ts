import type { ShardOptions } from '../../dataset/locks.ts';
import type { RunOptions } from '../../dataset/session.ts';
import { CcxriError, isCcxriError } from '../../errors.ts';
import { fetchDataset } from '../../fetch/fetch-dataset.ts';
import { stoppedOutcome } from '../../fetch/fetch-file.ts';
import type {
  FetchOutcome,
  FetchPlan,
  FetchResult,
  FetchedImages,
  WholeArchives,
} from '../../fetch/fetch-types.ts';
import type { IndexResult } from '../../labels/build-index.ts';
import { lowDiskError } from '../../fetch/plan.ts';
import { selectFiles } from '../../manifest/manifest.ts';
import { filesOfShard } from '../../manifest/shard.ts';
import { type FileStatusRow, datasetStatus } from '../../status.ts';
import { count, formatBytes, formatSize } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  type RunOfCommand,
  brokenErrors,
  errorsOf,
  runOptionsOf,
  shardOptionsOf,
  sourceOptionsOf,
  strictErrors,
  unknownErrors,
} from '../command.ts';
import { FETCH_DIDS, renderFetched, renderPlan, type Fetched } from '../render-fetch.ts';
import { unknownOf } from '../render-images.ts';
import { countOutcomes } from '../render-outcomes.ts';
import { selectedOrLocked } from '../locked.ts';
import { asThrown } from '../report.ts';
import { nothingSelected } from '../selected.ts';
import type { View } from '../view.ts';

export async function runFetch(context: CommandContext): Promise<CommandOutcome> {
  const { settings, clock, signal } = context;
  const { dryRun } = settings;
  const given = await runOptionsOf(context);
  const selected = await selectedOrLocked(context, given);
  if (selected === undefined) throw nothingSelected(given.manifest, 'fetch');
  const { selection, images } = selected;
  const shared = shardOptionsOf(context);
  const run = { ...given, ...shared, selection };
  const settled: FetchOutcome[] = [];
  const startMs = clock.nowMs();
  const fetching = fetchDataset({
    ...run,
    ...fetchOptionsOf(context),
    images,
    onOutcome: (outcome) => settled.push(outcome),
  });
  try {
    const result = await fetching;
    const { counts, errors } = errorsOfFetch(result, context);
    return {
      result,
      counts,
      errors,
      render: (view) =>
        dryRun
          ? renderPlan(result, {
              view,
              again: againOf(context, view),
              lowDisk: lowDiskOf(result, context, view),
            })
          : renderFetched(result, view, errors.length > 0),
      isStatusOnly: !dryRun,
    };
  } catch (thrown) {
    const error = asThrown(thrown, signal);
    if (dryRun || !isCcxriError(error, 'aborted')) throw error;
    // Of chosen images it is not known which archives they are in before the run has begun.
    const outcomes = images === undefined ? await withStopped(run, settled) : settled;
    const elapsedMs = clock.nowMs() - startMs;
    const { shard } = shared;
    return toStopped({ dest: run.dest, outcomes, bytesDownloaded: 0, elapsedMs, shard }, error);
  }
}

function fetchOptionsOf(context: CommandContext) {
  const { settings, confirm, typed } = context;
  const { dryRun, wait, concurrency, connections, retries } = settings;
  const { deleteArchives, lowDisk, resize: size, keepGood } = settings;
  // A variable that was set for exports says nothing about a fetch that keeps its archives.
  const resize = lowDisk || typed.resize !== undefined ? size : undefined;
  return {
    ...sourceOptionsOf(context),
    ...{
      dryRun,
      wait,
      concurrency,
      connections,
      retries,
      deleteArchives,
      lowDisk,
      resize,
      keepGood,
    },
    limitRateBytesPerSecond: settings.limitRate,
    repair: !settings.noRepair,
    extract: !settings.noExtract,
    join: !settings.noJoin,
    allowWhole: settings.allowWhole,
    maxBytes: settings.maxBytes,
    ...(confirm && {
      confirmLowDisk: (plan: FetchPlan) => confirm(lowDiskQuestion(plan)),
    }),
    // What -y is typed for is the disk: whole archives take --allow-whole, or an answer.
    ...(confirm &&
      !settings.yes && {
        confirmWhole: (cost: WholeArchives) => confirm(wholeQuestion(cost)),
      }),
  };
}

/** In the manifest's order; files that were not settled when the run was stopped are `stopped`. */
async function withStopped(
  { manifest, dest, selection, shard }: RunOfCommand & ShardOptions,
  settled: readonly FetchOutcome[],
): Promise<readonly FetchOutcome[]> {
  const selected = selectFiles(manifest, selection);
  const files = shard === undefined ? selected : filesOfShard(selected, shard);
  const isSettled = new Set(settled.map(({ file }) => file));
  const open = files.filter(({ name }) => !isSettled.has(name)).map(({ name }) => name);
  const here =
    open.length === 0 ? [] : await whatIsHere({ manifest, dest, selection: { files: open } });
  return files.map(
    (file) =>
      settled.find((outcome) => outcome.file === file.name) ??
      stoppedOutcome(file, here.find((row) => row.file === file.name)?.status ?? 'missing'),
  );
}

/** A disk that can't be read now has its own error. */
async function whatIsHere(of: RunOptions): Promise<readonly FileStatusRow[]> {
  try {
    return (await datasetStatus(of)).files;
  } catch (error) {
    if (!isCcxriError(error)) throw error;
    return [];
  }
}

/** An interrupted run has a result as well. */
function toStopped(fetched: Fetched, error: CcxriError): CommandOutcome {
  const { dest, outcomes } = fetched;
  return {
    result: { dest, outcomes },
    counts: { files: outcomes.length, ...countOutcomes(outcomes, FETCH_DIDS) },
    errors: [error, ...errorsOf(outcomes)],
    render: (view) => renderFetched(fetched, view, true),
    isStatusOnly: true,
  };
}

/** The counts and errors of a fetch, also of the demo's. */
export function errorsOfFetch(
  { outcomes, index, indexError, dryRun, plan, images }: FetchResult,
  context: CommandContext,
): Pick<CommandOutcome, 'counts' | 'errors'> {
  return {
    counts: {
      files: dryRun ? plan.steps.length : outcomes.length,
      ...countOutcomes(dryRun ? plan.steps : outcomes, FETCH_DIDS),
      rows: index?.rows ?? 0,
      ...(images && { images: images.images, imagesHere: images.here }),
    },
    errors: [
      ...errorsOf(outcomes),
      ...(indexError === undefined ? [] : [indexError]),
      ...strictErrors(context, outcomes, withRemarksOf(images, index)),
      ...(images === undefined ? [] : unknownErrors(unknownOf(images), context)),
      // The remarks of the index have them.
      ...(index === undefined ? brokenErrors(context, outcomes) : []),
    ],
  };
}

/** What to do about a disk that is too small, unless the user has said to go on. */
function lowDiskOf({ dest, plan }: FetchResult, { settings }: CommandContext, view: View) {
  const { yes, noExtract, deleteArchives, lowDisk } = settings;
  if (yes) return undefined;
  const choices = { extract: !noExtract, deleteArchives, lowDisk };
  return view.suggest.hintOf(lowDiskError(plan, dest, choices));
}

/** The same command once more, with a note of what is not shown again and has to be added. */
function againOf({ settings }: CommandContext, { suggest }: View): string {
  const { subset, file, header, source } = settings;
  const command = suggest.again('fetch', { subsets: subset, files: file });
  const isSigned = (url: string) => /^https?:\/\/[^/?#]*@/i.test(url);
  const secrets = [
    ...(Object.keys(header).length > 0 ? ['with your --header'] : []),
    ...(source.some(isSigned) ? ['with user and password in --source'] : []),
  ];
  return secrets.length === 0 ? command : `${command} (${secrets.join(', ')})`;
}

/** What does not add up in the choice, beside what does not in the index. */
function withRemarksOf(
  images: FetchedImages | undefined,
  index: FetchResult['index'],
): Pick<IndexResult, 'remarks'> | undefined {
  if (images === undefined) return index;
  return { remarks: [...images.remarks, ...(index?.remarks ?? [])] };
}

function wholeQuestion({ archives, ...size }: WholeArchives): string {
  const which = count(archives.length, 'archive');
  return `No source serves parts of ${which}: whole, that is ${formatSize(size)}. Download that?`;
}

function lowDiskQuestion({ bytesNeededOnDisk, bytesFreeOnDisk }: FetchPlan): string {
  const free = formatBytes(bytesFreeOnDisk ?? 0);
  return `This needs about ${formatBytes(bytesNeededOnDisk)} of disk, ${free} are free. Continue anyway?`;
}
