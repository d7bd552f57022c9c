import { CcxriError } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
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
  refuseContradictions({ ...fromEnv, ...flags }, fromEnv);
  const parsed = settingsSchema.safeParse({ ...fromEnv, ...flags });
  if (parsed.success) return parsed.data;
  const key = OPTION_KEYS.find((name) => name === parsed.error.issues[0]?.path[0]);
  if (key === undefined) throw parsed.error;
  const isVariable = flags[key] === undefined;
  throw wrongValue({ command, key, isVariable }, flags[key] ?? fromEnv[key]);
}

function fromEnvironment(command: CommandName, flags: RawOptions, env: Environment): RawOptions {
  const found: Partial<Record<OptionKey, RawValue>> = {};
  for (const key of OPTION_KEYS) {
    const text = env[variableOf(key)];
    // An empty variable is one that is not set, as everywhere.
    if (text === undefined || text === '' || !takesOption(command, key)) continue;
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

function refuseContradictions(all: RawOptions, fromEnv: RawOptions): void {
  const isOn = (key: OptionKey) => {
    const value = all[key];
    return value !== undefined && settingsSchema.shape[key].safeParse(value).data === true;
  };
  for (const group of EXCLUSIVE) {
    const given = group.filter(isOn);
    if (given.length < 2) continue;
    const labels = given.map((key) => labelOf(key, fromEnv[key] !== undefined));
    throw new CcxriError('usage', `${labels.join(' and ')} contradict each other`, {
      next: [{ kind: 'advice', text: `give only one of them: ${labels.join(', ')}` }],
    });
  }
}

function labelOf(key: OptionKey, isVariable: boolean): string {
  return isVariable ? variableOf(key) : OPTIONS[key].long;
}

interface Wrong {
  readonly command: CommandName;
  readonly key: OptionKey;
  readonly isVariable: boolean;
}

function wrongValue({ command, key, isVariable }: Wrong, value: RawValue | undefined): CcxriError {
  const { expects, secret } = OPTIONS[key];
  const label = labelOf(key, isVariable);
  const typed = typeof value === 'object' ? value.join(', ') : String(value);
  const found = secret === true ? 'something else (not shown)' : `"${toPrintable(typed, 80)}"`;
  return new CcxriError('usage', `${label} takes ${expects}; got ${found}`, {
    expected: expects,
    found,
    next: [{ kind: 'run', command: 'help', argument: command, purpose: 'to see its options' }],
  });
}

/** Variables that look like ccxri's and are none: a typo there would go unseen. */
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

/** What the environment says that nobody may have meant, a sentence each. */
export function environmentWarnings(command: CommandName, env: Environment): readonly string[] {
  return [...unknownVariables(env), ...uncheckedTls(command, env), ...foreignCode(env)];
}

/** Node's TLS looks at this variable by itself; ccxri can only say what it does. */
function uncheckedTls(command: CommandName, env: Environment): readonly string[] {
  const isOff = env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0';
  // Of the commands that ask servers, and they alone have a --timeout.
  if (!isOff || !takesOption(command, 'timeout')) return [];
  return [
    "NODE_TLS_REJECT_UNAUTHORIZED=0 turns the check of every server's certificate off: https is no better than http then, " +
      'whoever is on the line can answer instead of the server and read what --header sends (files are still checked by their MD5). ' +
      "For a company's proxy, unset it and name its CA file instead: NODE_EXTRA_CA_CERTS=/path/ca.pem",
  ];
}

/** Options of Node that bring code of somebody else's into this process. */
const LOADS_CODE = /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader)(?:[\s=]|$)/;

function foreignCode(env: Environment): readonly string[] {
  if (!LOADS_CODE.test(env['NODE_OPTIONS'] ?? '')) return [];
  return [
    'NODE_OPTIONS loads other code into this process: what ccxri says holds only if that code is yours',
  ];
}
