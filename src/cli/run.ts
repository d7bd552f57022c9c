import type { RunEvent, WarningCode } from '../events.ts';
import { isDemoDirectory } from '../demo/demo-directory.ts';
import { toPrintable } from '../text.ts';
import { COMMANDS } from './command-table.ts';
import type { CommandContext } from './command.ts';
import { findConfig } from './config-places.ts';
import type { ConfigPlace } from './config-policy.ts';
import { type ExitCode, worstOf } from './exit-codes.ts';
import {
  CheckedWriter,
  type CliIo,
  askYesNo,
  hasBlocks,
  isCi,
  isLiveTerminal,
  wantsColor,
  widthOf,
} from './io.ts';
import type { RunLog } from './log-file.ts';
import { ManifestChoice } from './manifest-choice.ts';
import { type HintOf, suggestFor } from './next-steps.ts';
import { assertDirectoryMeant, flagsFor, placeFor, placeOf } from './place.ts';
import {
  type Origins,
  configWarnings,
  environmentWarnings,
  layersFrom,
  originsOf,
  resolveSettings,
} from './options-resolve.ts';
import type { RawOptions, Settings } from './options.ts';
import { type Request, parseCommandLine } from './program.ts';
import { BarProgress } from './progress-bars.ts';
import { LineProgress } from './progress-lines.ts';
import { ProgressRate } from './progress-rate.ts';
import type { Progress } from './progress-state.ts';
import { renderError, renderErrors } from './render-error.ts';
import { type Ending, asThrown, documentOf, toJson, toNdjsonLine } from './report.ts';
import { withLabelMeant } from './usage-errors.ts';
import { View } from './view.ts';

type Form = 'text' | 'json' | 'ndjson';
type CommandRequest = Extract<Request, { kind: 'command' }>;

interface Door {
  readonly io: CliIo;
  readonly stdout: CheckedWriter;
  readonly stderr: CheckedWriter;
}

/** How a run is reported. */
interface Report {
  readonly form: Form;
  readonly command?: CommandRequest['command'] | undefined;
  readonly settings?: Settings | undefined;
  readonly flags?: RawOptions | undefined;
  readonly isDemo?: boolean | undefined;
}

/**
 * Runs a command line to its end and gives the exit code. It touches nothing but `io`: the process
 * itself is src/cli/main.ts's.
 * @param argv without the two words that start Node
 */
export async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const stdout = new CheckedWriter(io.stdout);
  const stderr = new CheckedWriter(io.stderr);
  const code = await runToCode(argv, { io, stdout, stderr });
  const lost = await stdout.flush();
  if (lost !== undefined) stderr.write(renderError(lost, viewOf(io.stderr, { form: 'text' }, io)));
  await stderr.flush();
  return lost === undefined ? code : worstOf([code, 6]);
}

async function runToCode(argv: readonly string[], door: Door): Promise<ExitCode> {
  const { io, stdout } = door;
  let report: Report = { form: formOf(argv, io.env) };
  try {
    const request = parseCommandLine(argv, widthOf(io.stdout));
    if (request.kind === 'text') {
      stdout.write(request.text);
      return 0;
    }
    const { command, flags } = request;
    // No directory is repeated in advice about a command line that has none, or a wrong one.
    const others = Object.entries(flags).filter(([key]) => key !== 'dest');
    report = { ...report, command, flags: Object.fromEntries(others) };
    const config = await findConfig(flags, io);
    const settings = resolveSettings(command, flags, io.env, config);
    const origins = originsOf(command, layersFrom(flags, io.env, config));
    if (request.directory !== undefined) {
      await assertDirectoryMeant(request.directory, command, async () => {
        const { dest } = await placeOf(command, undefined, io);
        const choice = { typed: settings.manifest, dest };
        return (await new ManifestChoice().choose(choice, () => undefined)).manifest;
      });
    }
    return await runLogged(request, { settings, origins, config }, door);
  } catch (error) {
    return finish(door, report, { kind: 'thrown', error });
  }
}

/** Of a run that its user may have turned away from. */
const LONG_MS = 10_000;

/** Runs a command with what `--log-file` and `--notify` ask for. */
async function runLogged(
  request: CommandRequest,
  resolved: Resolved,
  door: Door,
): Promise<ExitCode> {
  const { logFile, notify } = resolved.settings;
  const { io } = door;
  const startMs = io.clock.nowMs();
  const log =
    logFile === undefined
      ? undefined
      : await (await import('./log-file.ts')).RunLog.open(logFile, io.clock);
  const { exitCode, ending, dest } = await runCommand(request, { ...resolved, log }, door).catch(
    async (error: unknown) => {
      await log?.close({ kind: 'thrown', error });
      throw error;
    },
  );
  const isLost = (await door.stdout.flush()) !== undefined;
  const code = isLost ? worstOf([exitCode, 6]) : exitCode;
  await log?.close(ending, code);
  const elapsedMs = io.clock.nowMs() - startMs;
  // Who has stopped it knows that. A file asks for it once and for all, and not at each `list`.
  const isWanted = request.flags.notify !== undefined || elapsedMs >= LONG_MS;
  if (notify && isWanted && !io.signal.aborted) {
    const { notifyOf } = await import('./notify.ts');
    await notifyOf({ command: request.command, dest, exitCode: code, elapsedMs }, io);
  }
  return exitCode;
}

/** What a run goes by: from flags, variables and files. */
interface Resolved {
  readonly settings: Settings;
  readonly origins: Origins;
  readonly log?: RunLog | undefined;
  readonly config: readonly ConfigPlace[];
}

async function runCommand(
  request: CommandRequest,
  { settings, origins, config, log }: Resolved,
  door: Door,
): Promise<Finished> {
  const { io } = door;
  const { command, argument, args } = request;
  const form: Form = settings.json ? 'json' : settings.ndjson ? 'ndjson' : 'text';
  const { dest, isFound, world } = await placeFor(command, { settings, origins }, io);
  const isDemo = await isForDemo(command, settings, dest);
  const flags = flagsFor(request, settings, { dest, isFound, isDemo });
  const report = { form, command, settings, flags, isDemo };
  const manifests = new ManifestChoice();
  const carried = await manifests.carried(flags, dest);
  const { hintOf } = suggestFor(carried, isDemo);
  const screen = await startProgress(command, settings, viewOf(io.stderr, report, io), door);
  const progress = log?.beside(screen, command) ?? screen;
  const onEvent = listenerOf({ form, settings, hintOf, progress, log }, door);
  const onStop = () => progress.note('stopping… (again to stop at once)');
  io.signal.addEventListener('abort', onStop, { once: true });
  let ending: Ending;
  try {
    if (isFound && !settings.quiet && form !== 'ndjson')
      progress.note(`in the dataset directory ${toPrintable(dest, 4096)}`);
    const confirm = confirmWith(settings, io, progress);
    const asked = { settings, config, argument, args, dest, typed: request.flags, isFound };
    const context = { ...worldOf(world), ...asked, manifests, onEvent, confirm };
    const remarks = [...configWarnings(config, origins), ...environmentWarnings(command, io.env)];
    for (const message of remarks) {
      onEvent({ event: 'warning', code: 'environment', message });
    }
    const runIt = await COMMANDS[command].load();
    ending = { kind: 'outcome', outcome: await runIt(context) };
  } catch (error) {
    ending = { kind: 'thrown', error: withLabelMeant(asThrown(error, io.signal)) };
  }
  io.signal.removeEventListener('abort', onStop);
  progress.stop();
  // The run may have kept its manifest.
  const now = carried === flags ? await new ManifestChoice().carried(flags, dest) : carried;
  const exitCode = finish(door, { ...report, flags: now }, ending);
  return { exitCode, ending, dest };
}

interface Listening {
  readonly form: Form;
  readonly settings: Settings;
  readonly hintOf: HintOf;
  readonly progress: Progress;
  readonly log: RunLog | undefined;
}

function listenerOf(
  { form, settings, hintOf, progress, log }: Listening,
  { io, stdout }: Door,
): (raw: RunEvent) => void {
  const rate = new ProgressRate(io.clock, !settings.noProgress);
  return (raw: RunEvent) => {
    const event = withHint(raw, hintOf);
    if (form === 'ndjson') {
      const printed = rate.toPrint(event);
      if (printed !== undefined) stdout.write(toNdjsonLine(printed, hintOf, io.clock));
    }
    // The result as text lists them: they are shown once.
    const isListed = isOfIndex(event) || (settings.dryRun && event.event === 'plan');
    if (form !== 'text' || !isListed) progress.handle(event);
    else log?.handle(event);
  };
}

interface Finished {
  readonly exitCode: ExitCode;
  readonly ending: Ending;
  readonly dest: string;
}

/** What of the world a command is given. */
function worldOf(io: CliIo & { readonly dest: string | undefined }) {
  const { env, signal, clock, nodeVersion, program } = io;
  const placeOfFetch = () => placeOf('fetch', undefined, io);
  return { env, signal, clock, nodeVersion, program, placeOfFetch };
}

/** Whether the files of a run are a demo's, and no other source of them was named. */
async function isForDemo(
  command: CommandRequest['command'],
  { manifest, source }: Settings,
  dest: string,
): Promise<boolean> {
  if (manifest !== undefined || source.length > 0) return false;
  return command === 'demo' || isDemoDirectory(dest);
}

/** An event with the next steps of its error as a sentence too. */
function withHint(event: RunEvent, hintOf: HintOf): RunEvent {
  if (event.event === 'warning') {
    const hint = hintOf(event);
    return hint === undefined ? event : { ...event, message: `${event.message}; ${hint}` };
  }
  if (!('error' in event) || event.error === undefined) return event;
  const hint = hintOf(event.error);
  return hint === undefined ? event : { ...event, error: { ...event.error, hint } };
}

/** Is it a warning of what does not add up in an index? */
function isOfIndex(event: RunEvent): boolean {
  return event.event === 'warning' && INDEX_WARNINGS.has(event.code);
}

const INDEX_WARNINGS: ReadonlySet<WarningCode> = new Set<WarningCode>([
  'no-label-file',
  'join-remark',
  'unknown-folder',
]);

function confirmWith(
  { yes, noInput, json, ndjson }: Settings,
  io: CliIo,
  progress: Progress,
): CommandContext['confirm'] {
  if (yes) return () => Promise.resolve(true);
  const isTerminal = io.stdin.isTTY === true && io.stderr.isTTY === true;
  if (!isTerminal || noInput || json || ndjson || isCi(io.env)) return undefined;
  return (question) => progress.ask(() => askYesNo(io, question));
}

async function startProgress(
  command: CommandRequest['command'],
  settings: Settings,
  view: View,
  door: Door,
): Promise<Progress> {
  const { stderr, io } = door;
  const isQuiet = settings.quiet || settings.ndjson;
  const heartbeat = !settings.noProgress;
  const world = { stream: io.stderr, writer: stderr, clock: io.clock, unicode: hasBlocks(io.env) };
  const options = { view, heartbeat, isQuiet, ...world };
  const wantsBars = isLiveTerminal(io.stderr, io.env) && heartbeat && !isQuiet && !settings.json;
  if (!wantsBars) return new LineProgress(options);
  const { default: cliProgress } = await import('cli-progress');
  const bars = new BarProgress(options, cliProgress);
  const { announcement } = COMMANDS[command];
  if (announcement !== undefined) bars.note(announcement);
  return bars;
}

/** The result to stdout in the form asked for, what went wrong to stderr, and the exit code. */
function finish({ io, stdout, stderr }: Door, report: Report, ending: Ending): ExitCode {
  const { form, settings } = report;
  const view = viewOf(io.stderr, report, io);
  const { hintOf } = view.suggest;
  const document = documentOf(report.command ?? null, ending, {
    stop: io.signal,
    hintOf,
    clock: io.clock,
  });
  if (form === 'json') stdout.write(`${toJson(document, 2, hintOf)}\n`);
  if (form === 'ndjson')
    stdout.write(toNdjsonLine({ event: 'summary', ...document }, hintOf, io.clock));
  if (ending.kind === 'thrown') {
    stderr.write(renderError(ending.error, view));
    return document.exitCode;
  }
  const { outcome } = ending;
  const isSilent = settings?.quiet === true && outcome.isStatusOnly;
  const isShown = form === 'text' && !isSilent;
  if (isShown) stdout.write(outcome.render(viewOf(io.stdout, report, io)));
  // Last: what to do about them is what a person reads first.
  if (!isShown || outcome.showsErrors !== true) stderr.write(renderErrors(outcome.errors, view));
  return document.exitCode;
}

function viewOf(stream: CliIo['stdout'], { settings, flags, isDemo }: Report, io: CliIo): View {
  return new View({
    width: widthOf(stream),
    color: wantsColor(settings?.color ?? 'auto', stream, io.env),
    verbose: settings?.verbose ?? false,
    typed: flags,
    isDemo,
  });
}

/** The form of output if the command line could not be read: even then scripts get their form. */
function formOf(argv: readonly string[], env: CliIo['env']): Form {
  const end = argv.indexOf('--');
  const flags = end < 0 ? argv : argv.slice(0, end);
  if (flags.includes('--ndjson')) return 'ndjson';
  if (flags.includes('--json')) return 'json';
  const isOn = (name: string) => /^(?:1|true|yes|on)$/i.test(env[name] ?? '');
  if (isOn('CCXRI_NDJSON')) return 'ndjson';
  return isOn('CCXRI_JSON') ? 'json' : 'text';
}
