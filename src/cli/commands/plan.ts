import { resolve } from 'node:path';
import { CcxriError } from '../../errors.ts';
import { fetchDataset } from '../../fetch/fetch-dataset.ts';
import { lowDiskError } from '../../fetch/plan.ts';
import { planHandoff, unaddressed } from '../../handoff/plan-handoff.ts';
import { HANDOFF_FORMATS, type HandoffFormat, type WrittenHandoff } from '../../handoff/types.ts';
import { cacheKeyOf } from '../../lockfile/content.ts';
import { count, formatSize, quoteForShell, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  type RunOfCommand,
  runOptionsOf,
  sourceOptionsOf,
} from '../command.ts';
import type { PlanResult } from '../json-documents.ts';
import { suggestFor } from '../next-steps.ts';
import type { RawOptions, Settings } from '../options.ts';
import { renderPlan } from '../render-fetch.ts';
import { joinParts } from '../render-outcomes.ts';
import { type Selected, filesOf, requireSelected } from '../selected.ts';
import type { View } from '../view.ts';

export async function runPlan(context: CommandContext): Promise<CommandOutcome> {
  const { cacheKey: wantsKey, noExtract, deleteArchives } = context.settings;
  const { output, format, withSecrets } = context.settings;
  const run = await runOptionsOf(context);
  const selected = await requireSelected(context, run, 'plan');
  const planned = { ...sourceOptionsOf(context), extract: !noExtract, deleteArchives };
  const files = filesOf(run.manifest, selected);
  const { manifest, dest } = run;
  const cacheKey = cacheKeyOf({ ...planned, manifest, files, images: selected.images });
  const base = { dest, cacheKey };
  if (wantsKey) return toKey(base, files.length);
  if (selected.images !== undefined) throw ofImages();
  const formats = toFormats(format);
  if (formats.length === 0) {
    if (output !== undefined) throw usage('-o needs a list to write', 'format');
    return toFetchPlan(base, { ...run, ...selected, ...planned }, context);
  }
  const { hintOf } = suggestFor(withWholePath(context.settings));
  const options = { ...run, ...planned, files, formats, output, withSecrets, hintOf };
  return toHandoff(base, await planHandoff(options), { context, files: files.length });
}

/** For a text that is read in another place, by somebody without these settings. */
function withWholePath({ manifest }: Settings): RawOptions {
  return manifest === undefined ? {} : { manifest: resolve(manifest) };
}

type Base = Pick<PlanResult, 'dest' | 'cacheKey'>;

function toKey(base: Base, files: number): CommandOutcome {
  return {
    result: base,
    counts: { files },
    errors: [],
    render: () => `${base.cacheKey}\n`,
    isStatusOnly: false,
  };
}

function ofImages(): CcxriError {
  const message = 'a plan is of whole files; single images are fetched by ccxri alone';
  const next = { kind: 'run', command: 'fetch', options: { 'dry-run': true } } as const;
  const purpose = 'with the same choice, to see what would be fetched';
  return new CcxriError('usage', message, { next: [{ ...next, purpose }] });
}

function usage(message: string, option: 'format'): CcxriError {
  return new CcxriError('usage', message, { next: [{ kind: 'option', option }] });
}

/** @throws CcxriError `usage`: it is a format of `ccxri export` */
function toFormats(typed: string | undefined): readonly HandoffFormat[] {
  if (typed === undefined) return [];
  if (typed === 'all') return HANDOFF_FORMATS;
  const format = HANDOFF_FORMATS.find((each) => each === typed);
  if (format !== undefined) return [format];
  throw usage(`there is no list for ${typed}: say ${HANDOFF_FORMATS.join(', ')} or all`, 'format');
}

async function toFetchPlan(
  base: Base,
  options: RunOfCommand &
    Selected & { readonly extract: boolean; readonly deleteArchives: boolean },
  { settings }: CommandContext,
): Promise<CommandOutcome> {
  const result = await fetchDataset({ ...options, dryRun: true });
  const { plan, dest } = result;
  const isMissing = ({ action }: (typeof plan.steps)[number]) =>
    action === 'download' || action === 'resume';
  return {
    result: { ...base, plan },
    counts: { files: plan.steps.length, missing: plan.steps.filter(isMissing).length },
    errors: [],
    render: (view) =>
      renderPlan(result, {
        view,
        again: view.suggest.again('fetch', { subsets: settings.subset, files: settings.file }),
        lowDisk: view.suggest.hintOf(lowDiskError(plan, dest, options)),
      }),
    isStatusOnly: false,
  };
}

function toHandoff(
  base: Base,
  planned: WrittenHandoff,
  { context, files }: { readonly context: CommandContext; readonly files: number },
): CommandOutcome {
  const { texts, ...handoff } = planned;
  const { output } = context.settings;
  const withAddress = handoff.files.filter(({ urls }) => urls.length > 0).length;
  const errors = unaddressed(planned);
  if (errors.length === 0) warnOfUnknown(planned, context);
  return {
    result: { ...base, handoff },
    counts: { files, missing: handoff.files.length, withAddress },
    errors,
    // Without a directory the list is the result, as it is.
    render: (view) =>
      output === undefined ? [...texts.values()].join('') : renderHandoff(planned, output, view),
    isStatusOnly: output !== undefined,
  };
}

/** Where the list is of use all the same. */
function warnOfUnknown({ files, formats }: WrittenHandoff, { onEvent }: CommandContext): void {
  const unknown = files.filter(({ urls, path }) => urls.length === 0 && path === null);
  if (unknown.length === 0 || !formats.includes('json')) return;
  const why = unknown.find(({ error }) => error !== undefined)?.error;
  const message = `no address is known of ${count(unknown.length, 'file')}${why === undefined ? '' : `: ${why.message}`}`;
  onEvent({ event: 'warning', code: 'source', message, next: why?.next });
}

function renderHandoff(planned: WrittenHandoff, output: string, view: View): string {
  const { style } = view;
  const { files, written, commands } = planned;
  const hint = view.suggest.hintOf(planned);
  if (files.length === 0) return 'nothing is missing: no list was written\n';
  const missing = `${count(files.length, 'file')} missing, ${formatSize(planned)}`;
  const lists = written.map((path) => `- ${toPrintable(path, 4096)}\n`).join('');
  const all = [`cd ${quoteForShell(output)}`, ...commands].map((line) => `  ${line}\n`).join('');
  return joinParts([
    `${style.bold('plan')}  ${missing}\n${lists}`,
    commands.length === 0 ? '' : `there, one of these gets or checks them:\n${all}`,
    hint === undefined ? '' : view.prose(`${style.bold('then:')} ${hint}\n`, '  '),
  ]);
}
