import { CcxriError } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { valueMeant } from './guesses.ts';
import {
  type CommandName,
  EXCLUSIVE,
  OPTIONS,
  type OptionKey,
  OPTION_KEYS,
  type RawOptions,
  type RawValue,
  type Settings,
  settingsSchema,
  takesOption,
  variableOf,
} from './options.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Flags and variables as typed settings; flags win. Variables of other commands' options are left
 * alone, so that one environment serves every command.
 * @throws CcxriError `usage`, naming the option or variable, what was typed and the form expected
 */
export function resolveSettings(
  command: CommandName,
  flags: RawOptions,
  env: Environment,
): Settings {
  const fromEnv = fromEnvironment(command, flags, env);
  const typed = expandPaths({ ...fromEnv, ...flags }, env);
  const labelOf = (key: OptionKey) => (key in fromEnv ? variableOf(key) : OPTIONS[key].long);
  refuseContradictions(typed, labelOf);
  const parsed = settingsSchema.safeParse(typed);
  if (parsed.success) return parsed.data;
  const key = OPTION_KEYS.find((name) => name === parsed.error.issues[0]?.path[0]);
  if (key === undefined) throw parsed.error;
  const { expects, secret } = OPTIONS[key];
  const value = toPrintable([typed[key]].flat().join(', '), 80);
  const found = secret === true ? 'something else (not shown)' : `"${value}"`;
  const meant = secret === true ? undefined : valueMeant(key, value);
  const help = {
    kind: 'run',
    command: 'help',
    argument: command,
    purpose: 'to see its options',
  } as const;
  const text = `say ${OPTIONS[key].long} ${meant ?? ''}`;
  throw new CcxriError('usage', `${labelOf(key)} takes ${expects}; got ${found}`, {
    expected: expects,
    found,
    next: [meant === undefined ? help : { kind: 'advice', text, or: help }],
  });
}

/** Paths with the home directory for `~`: a shell leaves it in `--dest=~/x` and in quotes. */
function expandPaths(typed: RawOptions, env: Environment): RawOptions {
  const pairs = OPTION_KEYS.flatMap((key) => {
    const value = typed[key];
    if (value === undefined) return [];
    if (OPTIONS[key].isPath !== true || typeof value === 'boolean') return [[key, value] as const];
    const expanded =
      typeof value === 'string'
        ? expandHome(value, env)
        : value.map((each) => expandHome(each, env));
    return [[key, expanded] as const];
  });
  return Object.fromEntries(pairs);
}

/**
 * @throws CcxriError `usage`: `~` of somebody else, or nobody has said where the home directory is. A
 *   directory of that name would be made otherwise.
 */
export function expandHome(path: string, env: Environment): string {
  const [, name, rest = ''] = /^~([^/\\]*)([/\\].*)?$/s.exec(path) ?? [];
  if (name === undefined) return path;
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '';
  if (name === '' && home !== '') return `${home}${rest}`;
  const shown = toPrintable(path, 200);
  const text = `write the path out, or ./${shown} if that is its name`;
  throw new CcxriError('usage', `the shell has left ~ in ${shown}`, {
    next: [{ kind: 'advice', text }],
  });
}

/** Variables that no flag of the command line overrides. */
function fromEnvironment(command: CommandName, flags: RawOptions, env: Environment): RawOptions {
  const found: Partial<Record<OptionKey, RawValue>> = {};
  for (const key of OPTION_KEYS) {
    const text = env[variableOf(key)];
    // As usual, an empty variable counts as not set.
    const isOverridden = flags[key] !== undefined;
    if (text === undefined || text === '' || isOverridden || !takesOption(command, key)) continue;
    const rivals = EXCLUSIVE.filter((group) => group.includes(key)).flat();
    if (rivals.some((rival) => flags[rival] !== undefined)) continue;
    found[key] = toRaw(key, text);
  }
  return found;
}

function toRaw(key: OptionKey, text: string): RawValue {
  const { list } = OPTIONS[key];
  if (list === undefined) return text;
  const parts = text.split(list === 'comma' ? ',' : /\r?\n/);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function refuseContradictions(typed: RawOptions, labelOf: (key: OptionKey) => string): void {
  const isOn = (key: OptionKey) => {
    if (typed[key] === undefined) return false;
    const { data = false } = settingsSchema.shape[key].safeParse(typed[key]);
    return data !== false;
  };
  for (const group of EXCLUSIVE) {
    const given = group.filter(isOn).map(labelOf);
    if (given.length < 2) continue;
    const next = [{ kind: 'advice', text: `give only one of them: ${given.join(', ')}` }] as const;
    throw new CcxriError('usage', `${given.join(' and ')} contradict each other`, { next });
  }
}

/** Variables that begin like ccxri's but are unknown: otherwise a typo would go unnoticed. */
export function unknownVariables(env: Environment): readonly string[] {
  const known = OPTION_KEYS.map(variableOf);
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('CCXRI_') && !known.includes(name),
  );
  return unknown.map((name) => {
    const nearest = nearestOf(name, known, (text) => text);
    const guess = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    return `${toPrintable(name, 80)} is no variable of ccxri.${guess}`;
  });
}

/** What the environment does that may not be intended, a sentence each. */
export function environmentWarnings(command: CommandName, env: Environment): readonly string[] {
  return [...unknownVariables(env), ...uncheckedTls(command, env), ...foreignCode(env)];
}

/** Node's TLS reads this variable by itself; ccxri can only report its effect. */
function uncheckedTls(command: CommandName, env: Environment): readonly string[] {
  const isOff = env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0';
  // Only commands that make requests have a --timeout.
  if (!isOff || !takesOption(command, 'timeout')) return [];
  return [
    'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the check of every certificate: https is then no safer than http. ' +
      'Anyone on the network path can answer instead of the server and read what --header sends (files are still checked by their MD5). ' +
      'For a company proxy, unset it and name its CA file instead: NODE_EXTRA_CA_CERTS=/path/ca.pem',
  ];
}

/** Options of Node that load foreign code into this process. */
const LOADS_CODE = /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader)(?:[\s=]|$)/;

function foreignCode(env: Environment): readonly string[] {
  if (!LOADS_CODE.test(env['NODE_OPTIONS'] ?? '')) return [];
  return [
    'NODE_OPTIONS loads other code into this process: trust what ccxri reports only if you trust that code',
  ];
}
