import type { Clock } from '../clock.ts';
import type { MembersNoted } from '../dataset/images.ts';
import type { ShardOptions } from '../dataset/locks.ts';
import type { FileOutcome, RunOptions } from '../dataset/session.ts';
import { CcxriError, type NextStep } from '../errors.ts';
import type { EventListener } from '../events.ts';
import type { Remark } from '../labels/remarks.ts';
import type { IndexResult } from '../labels/build-index.ts';
import { describeRemark, nextOfRemark } from '../labels/describe-remark.ts';
import type { TypedChoice } from '../labels/make-choice.ts';
import type { Manifest, Selection } from '../manifest/manifest.ts';
import { count, toPrintable } from '../text.ts';
import { jobOf, shardOf } from './array-task.ts';
import type { ManifestChoice } from './manifest-choice.ts';
import type { CommandResults } from './json-documents.ts';
import type { CommandName, Settings } from './options.ts';
import { readVersion } from '../fs/package-version.ts';
import type { View } from './view.ts';

/** What a command is given: what was asked for, and the world by argument. */
export interface CommandContext {
  readonly settings: Settings;
  /** The positional argument, where there is one. */
  readonly argument: string | undefined;
  /** All of them, of a command that takes several. */
  readonly args: readonly string[];
  /** The dataset directory: as given, the one that the user is in, or the default. */
  readonly dest: string;
  readonly manifests: ManifestChoice;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where `fetch` works if no directory is named. */
  readonly placeOfFetch: () => Promise<{ readonly dest: string; readonly isFound: boolean }>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** As 20.19.1. */
  readonly nodeVersion: string;
  /** How to start this program once more. undefined: that is not possible. */
  readonly program: readonly [string, ...string[]] | undefined;
  readonly onEvent: EventListener;
  /** Asks a person; undefined where there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** How a command ended. It prints nothing itself. */
export interface CommandOutcome {
  /** What `--json` shows as `result`. */
  readonly result: CommandResults[CommandName];
  /** How many files (or rows, or remarks) of each kind: for scripts that only count. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is not as it should be; the exit code is that of the most severe. */
  readonly errors: readonly CcxriError[];
  /** The result as text, for stdout. */
  readonly render: (view: View) => string;
  /** true: the text only reports that the work was done, and `--quiet` leaves it out. */
  readonly isStatusOnly: boolean;
  /** true: the text shows the errors itself, each where it belongs. Default: they go to stderr. */
  readonly showsErrors?: boolean;
}

/** What was typed, with the manifest that was found. */
export interface RunOfCommand extends Required<Omit<RunOptions, 'selection' | 'manifest'>> {
  readonly manifest: Manifest;
  readonly manifestText: string;
  readonly selection: Selection;
}

/** What every function on a dataset directory takes, from what was typed. */
export async function runOptionsOf(context: CommandContext): Promise<RunOfCommand> {
  const { settings, dest, manifests, signal, onEvent, clock } = context;
  const { manifest, text } = await manifests.choose({ typed: settings.manifest, dest }, onEvent);
  return {
    manifest,
    manifestText: text,
    dest,
    selection: selectionOf(settings),
    signal,
    onEvent,
    clock,
  };
}

/** What of its selection a run works on, and which attempt of a scheduler it is. @throws as `shardOf` */
export function shardOptionsOf({ settings, env }: CommandContext): ShardOptions {
  const shard = shardOf(settings.shard, env);
  return shard === undefined ? {} : { shard, job: jobOf(env) };
}

function selectionOf({ subset, file }: Settings): Selection {
  return { subsets: subset, files: file };
}

/** Which images are meant, where a command chooses some. */
export function typedChoiceOf({ settings }: Pick<CommandContext, 'settings'>): TypedChoice {
  const { label, allLabels, withoutLabel, patients, images } = settings;
  const { limit, perLabel, normals, seed } = settings;
  return {
    labels: label,
    allLabels,
    withoutLabels: withoutLabel,
    patientsFile: patients,
    imagesFile: images,
    ...{ limit, perLabel, normals, seed },
  };
}

/** What functions that ask sources take. */
export function sourceOptionsOf({ settings, env }: CommandContext) {
  const { source, pageUrl, header, headerHost, timeout } = settings;
  return {
    ...(source.length === 0 ? {} : { sources: source }),
    pageUrl,
    headers: header,
    headerHosts: headerHost,
    userAgent: `ccxri/${readVersion()}`,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    env,
  };
}

export function errorsOf(outcomes: readonly Pick<FileOutcome, 'error'>[]): readonly CcxriError[] {
  return outcomes.flatMap(({ error }) => error ?? []);
}

/**
 * What is an error though nothing failed: a label file that matches no image, and with `--strict` what
 * else is only a warning.
 */
export function strictErrors(
  { settings }: CommandContext,
  outcomes: readonly { readonly file: string; readonly check: string | null }[],
  index?: Pick<IndexResult, 'remarks'>,
): readonly CcxriError[] {
  const remarks = index?.remarks ?? [];
  const audit = remarkErrors({ settings }, remarks);
  return [
    ...disputedErrors(settings, outcomes),
    ...(audit.length > 0 ? audit : matchErrors(remarks)),
  ];
}

/** With `--strict`: what does not add up between images and labels. */
export function remarkErrors(
  { settings }: Pick<CommandContext, 'settings'>,
  remarks: readonly Remark[],
): readonly CcxriError[] {
  const strict = settings.strict ? remarks.filter((remark) => remark.strict) : [];
  if (strict.length === 0) return [];
  const steps = strict.flatMap((remark) => nextOfRemark(remark) ?? []);
  const audit = new CcxriError('remarks', 'images and labels do not add up', {
    reasons: strict.map(describeRemark),
    next: steps.length > 0 ? steps : WITHOUT_STRICT,
  });
  return [audit];
}

const WITHOUT_STRICT: readonly NextStep[] = [
  { kind: 'advice', text: 'without --strict this is a warning' },
];

function disputedErrors(
  { strict }: Settings,
  outcomes: readonly { readonly file: string; readonly check: string | null }[],
): readonly CcxriError[] {
  if (!strict) return [];
  return contentChecked(outcomes).map((file) => {
    const message = `${file} passed by its content alone: its MD5 is disputed`;
    return new CcxriError('remarks', message, { file, next: WITHOUT_STRICT });
  });
}

/** With `--strict`: images that are as published, and broken. */
export function brokenErrors(
  { settings }: CommandContext,
  outcomes: readonly BrokenOutcome[],
): readonly CcxriError[] {
  if (!settings.strict) return [];
  return outcomes.flatMap(({ file, brokenImages }) => {
    if (brokenImages.length === 0) return [];
    const message = `${file}: ${count(brokenImages.length, 'image')} published empty, cut or as something else`;
    const reasons = brokenImages
      .slice(0, 20)
      .map(({ path, why }) => `${toPrintable(path)}: ${why}`);
    return [new CcxriError('remarks', message, { file, reasons, next: WITHOUT_STRICT })];
  });
}

export type BrokenOutcome = Pick<FileOutcome, 'file'> & Pick<MembersNoted, 'brokenImages'>;

/** An index without one label is not what a user wants, and looks like one. */
function matchErrors(remarks: readonly Remark[]): readonly CcxriError[] {
  return remarks
    .filter(({ kind }) => kind === 'no-match')
    .map((remark) => {
      const { file, examples, rowExamples = [] } = remark;
      return new CcxriError('remarks', describeRemark(remark), {
        file,
        expected: `rows for the images here: ${examples.map((each) => toPrintable(each)).join(', ')}`,
        found: rowExamples.map((each) => toPrintable(each)).join(', '),
        kept: 'the index, without labels of this file',
        next: nextOfRemark(remark),
      });
    });
}

/** Files that passed by their content alone: their published MD5 is disputed and did not match. */
export function contentChecked(
  outcomes: readonly { readonly file: string; readonly check: string | null }[],
): readonly string[] {
  return outcomes.filter(({ check }) => check === 'content-checked').map(({ file }) => file);
}

/** With `--strict`: names that were asked for, and are nowhere. */
export function unknownErrors(
  unknown: readonly string[],
  { settings }: CommandContext,
): readonly CcxriError[] {
  if (!settings.strict || unknown.length === 0) return [];
  const message = `${count(unknown.length, 'name')} of the choice not found in the selection`;
  const reasons = unknown.slice(0, 20).map((name) => toPrintable(name));
  return [new CcxriError('remarks', message, { reasons })];
}
