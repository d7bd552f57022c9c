import type { RunEvent, WarningCode } from '../events.ts';
import { COMMANDS } from './command-table.ts';
import type { CommandContext } from './command.ts';
import { type ExitCode, worstOf } from './exit-codes.ts';
import {
  CheckedWriter,
  type CliIo,
  type View,
  askYesNo,
  isCi,
  isLiveTerminal,
  wantsColor,
  widthOf,
} from './io.ts';
import { environmentWarnings, resolveSettings } from './options-resolve.ts';
import type { Settings } from './options.ts';
import { type Request, parseCommandLine } from './program.ts';
import type { Progress } from './progress-state.ts';
import { createProgress } from './progress.ts';
import { renderError, renderErrors } from './render-error.ts';
import { styleOf } from './render-table.ts';
import { type Ending, type HintOf, asThrown, documentOf, toJson, withHints } from './report.ts';
import { completeCommands, renderNextSteps } from './next-steps.ts';

type Form = 'text' | 'json' | 'ndjson';
type CommandRequest = Extract<Request, { kind: 'command' }>;

interface Door {
  readonly io: CliIo;
  readonly stdout: CheckedWriter;
  readonly stderr: CheckedWriter;
}

/**
 * Runs a command line to its end and gives the exit code. It touches nothing but `io`: the process
 * itself is src/cli/main.ts's.
 * @param argv without the two words that start Node
 */
export async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const stdout = new CheckedWriter(io.stdout);
  const stderr = new CheckedWriter(io.stderr);
  const door = { io, stdout, stderr };
  const code = await runToCode(argv, door);
  const lost = await stdout.flush();
  if (lost !== undefined) stderr.write(renderError(lost, viewOf(io.stderr, undefined, io)));
  await stderr.flush();
  return lost === undefined ? code : worstOf([code, 6]);
}

async function runToCode(argv: readonly string[], door: Door): Promise<ExitCode> {
  try {
    const request = parseCommandLine(argv, widthOf(door.io.stdout));
    if (request.kind === 'command') return await runCommand(request, argv, door);
    door.stdout.write(request.text);
    return 0;
  } catch (error) {
    return finish(door, { form: formOf(argv, door.io.env) }, { kind: 'thrown', error });
  }
}

async function runCommand(
  request: CommandRequest,
  argv: readonly string[],
  door: Door,
): Promise<ExitCode> {
  const { io, stdout } = door;
  const { command } = request;
  let settings: Settings;
  try {
    settings = resolveSettings(command, request.flags, io.env);
  } catch (error) {
    return finish(door, { form: formOf(argv, io.env), command }, { kind: 'thrown', error });
  }
  const form: Form = settings.json ? 'json' : settings.ndjson ? 'ndjson' : 'text';
  const progress = await startProgress(settings, door);
  const suggest = (text: string) => completeCommands(text, request.flags);
  const hintOf: HintOf = ({ hint, next }) => {
    if (next.length > 0) return renderNextSteps(next, request.flags);
    return hint === undefined ? undefined : suggest(hint);
  };
  const onEvent = (raw: RunEvent) => {
    const event = withText(raw, suggest, hintOf);
    if (form === 'ndjson') stdout.write(`${toJson(event, 0)}\n`);
    // The result in words lists them: they are told once.
    if (form === 'text' && isOfIndex(event)) return;
    progress.handle(event);
  };
  const onStop = () => progress.note('stopping… (again to stop at once)');
  io.signal.addEventListener('abort', onStop, { once: true });
  const ending = await end(async () => {
    for (const message of environmentWarnings(command, io.env)) {
      onEvent({ event: 'warning', code: 'environment', message });
    }
    const runIt = await COMMANDS[command].load();
    const outcome = await runIt(contextOf(request, settings, { io, onEvent, progress, suggest }));
    return { kind: 'outcome', outcome };
  }, io.signal);
  io.signal.removeEventListener('abort', onStop);
  progress.stop();
  return finish(door, { form, command, settings }, withHints(ending, hintOf));
}

/** An event with its commands completed, and its error's next steps as a sentence too. */
function withText(event: RunEvent, suggest: (text: string) => string, hintOf: HintOf): RunEvent {
  if (event.event === 'warning') {
    const hint = hintOf({ hint: undefined, next: event.next ?? [] });
    const message = suggest(event.message);
    return { ...event, message: hint === undefined ? message : `${message}; ${hint}` };
  }
  if (!('error' in event) || event.error === undefined) return event;
  const { error } = event;
  const hint = hintOf({ hint: error.hint, next: error.next ?? [] });
  return hint === undefined ? event : { ...event, error: { ...error, hint } };
}

/** Is it a warning of what does not add up in an index? */
function isOfIndex(event: RunEvent): boolean {
  return event.event === 'warning' && INDEX_WARNINGS.has(event.code);
}

const INDEX_WARNINGS: ReadonlySet<WarningCode> = new Set<WarningCode>([
  'no-label-file',
  'join-finding',
  'unknown-folder',
]);

async function end(work: () => Promise<Ending>, stop: AbortSignal): Promise<Ending> {
  try {
    return await work();
  } catch (error) {
    return { kind: 'thrown', error: asThrown(error, stop) };
  }
}

function contextOf(
  request: CommandRequest,
  settings: Settings,
  world: Pick<CommandContext, 'onEvent' | 'suggest'> & { io: CliIo; progress: Progress },
): CommandContext {
  const { io, onEvent, suggest, progress } = world;
  const canAsk =
    io.stdin.isTTY === true &&
    io.stderr.isTTY === true &&
    !(settings.noInput || settings.json || settings.ndjson || isCi(io.env));
  const ask = (question: string) => {
    progress.stop();
    return askYesNo(io, question);
  };
  const sayYes = () => Promise.resolve(true);
  return {
    settings,
    argument: request.argument,
    env: io.env,
    signal: io.signal,
    clock: io.clock,
    onEvent,
    suggest,
    confirm: settings.yes ? sayYes : canAsk ? ask : undefined,
  };
}

function startProgress(settings: Settings, { io, stderr }: Door): Promise<Progress> {
  const { quiet, ndjson, json, noProgress, verbose } = settings;
  const isLive = isLiveTerminal(io.stderr, io.env) && !noProgress && !json;
  return createProgress({
    mode: quiet || ndjson ? 'none' : isLive ? 'bars' : 'lines',
    heartbeat: !noProgress,
    verbose,
    style: styleOf(viewOf(io.stderr, settings, io)),
    stream: io.stderr,
    writer: stderr,
    clock: io.clock,
  });
}

interface RunForm {
  readonly form: Form;
  readonly command?: CommandRequest['command'] | undefined;
  readonly settings?: Settings | undefined;
}

/** The result to stdout in the form asked for, what went wrong to stderr, and the exit code. */
function finish({ io, stdout, stderr }: Door, of: RunForm, ending: Ending): ExitCode {
  const { form, settings } = of;
  const document = documentOf(of.command ?? null, ending, io.signal);
  if (form === 'json') stdout.write(`${toJson(document, 2)}\n`);
  if (form === 'ndjson') stdout.write(`${toJson({ event: 'summary', ...document }, 0)}\n`);
  const view = viewOf(io.stderr, settings, io);
  if (ending.kind === 'thrown') {
    stderr.write(renderError(ending.error, view));
    return document.exitCode;
  }
  const { outcome } = ending;
  stderr.write(renderErrors(outcome.errors, view));
  const isSilent = settings?.quiet === true && outcome.isTalk;
  if (form === 'text' && !isSilent) {
    stdout.write(outcome.render(viewOf(io.stdout, settings, io)));
  }
  return document.exitCode;
}

function viewOf(stream: CliIo['stdout'], settings: Settings | undefined, io: CliIo): View {
  return {
    width: widthOf(stream),
    color: wantsColor(settings?.color ?? 'auto', stream, io.env),
    verbose: settings?.verbose ?? false,
  };
}

/** The form of output, where the command line could not be read: even then scripts get their form. */
function formOf(argv: readonly string[], env: CliIo['env']): Form {
  const end = argv.indexOf('--');
  const flags = end < 0 ? argv : argv.slice(0, end);
  if (flags.includes('--ndjson')) return 'ndjson';
  if (flags.includes('--json')) return 'json';
  const isOn = (name: string) => /^(?:1|true|yes|on)$/i.test(env[name] ?? '');
  if (isOn('CCXRI_NDJSON')) return 'ndjson';
  return isOn('CCXRI_JSON') ? 'json' : 'text';
}
