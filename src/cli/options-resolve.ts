import { CcxriError } from '../errors.ts';
import { nearestOf } from '../manifest/manifest.ts';
import { toPrintable } from '../text.ts';
import { type ConfigPlace, nameOf, takesFromFile } from './config-policy.ts';
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

/** Set to anything, no file of settings is read. */
export const NO_CONFIG = 'CCXRI_NO_CONFIG';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value comes from, the strongest first. */
export type LayerName = 'flag' | 'variable' | ConfigPlace['layer'];

/** The values of one origin. */
export interface Layer {
  readonly name: LayerName;
  readonly values: RawOptions;
  /** How errors call an option there: `--strict`, `CCXRI_STRICT`, `"strict" in /data/ccxri.config.json`. */
  readonly labelOf: (key: OptionKey) => string;
}

/** What was typed, set in variables, and read from files: of two values the one of the earlier layer counts. */
export function layersFrom(
  flags: RawOptions,
  env: Environment,
  places: readonly ConfigPlace[],
): readonly Layer[] {
  return [
    { name: 'flag', values: flags, labelOf: (key) => OPTIONS[key].long },
    { name: 'variable', values: fromEnvironment(env), labelOf: variableOf },
    ...places.map(({ layer, path, values }) => ({
      name: layer,
      values,
      labelOf: (key: OptionKey) => `"${nameOf(key)}" in ${toPrintable(path, 4096)}`,
    })),
  ];
}

/** For each option that has a value, the layer whose value counts. */
export type Origins = ReadonlyMap<OptionKey, Layer>;

/** Together they say which files are meant: what was typed is not widened by what a file says. */
const SELECTION: readonly OptionKey[] = ['subset', 'file'];

/** An option gives way to a rival of an earlier layer, too: to `--json` what says `ndjson`. */
export function originsIn(
  layers: readonly Layer[],
  takes: (key: OptionKey, layer: LayerName) => boolean,
): Origins {
  const origins = new Map<OptionKey, Layer>();
  for (const layer of layers) {
    const before = new Map(origins);
    for (const key of OPTION_KEYS) {
      if (layer.values[key] === undefined || before.has(key) || !takes(key, layer.name)) continue;
      const groups = [...EXCLUSIVE, SELECTION].filter((group) => group.includes(key));
      // What is off has no rivals.
      const isRival = (rival: OptionKey) => isOn(before.get(rival)?.values[rival]);
      if (!groups.flat().some(isRival)) origins.set(key, layer);
    }
  }
  return origins;
}

/** Undefined counts as off; what is no flag is on, whatever it says. */
function isOn(value: RawValue | undefined): boolean {
  if (typeof value !== 'string') return value !== undefined && value !== false;
  return !/^(?:0|false|no|off)$/i.test(value);
}

/**
 * Flags, variables and files as typed settings. Variables of other commands' options are left alone, so that
 * one environment serves every command; so are other commands' settings in files.
 * @throws CcxriError `usage`, naming the option or variable, what was typed and the form expected
 */
export function resolveSettings(
  command: CommandName,
  flags: RawOptions,
  env: Environment,
  places: readonly ConfigPlace[] = [],
): Settings {
  const origins = originsOf(command, layersFrom(flags, env, places));
  const values = [...origins].map(([key, layer]) => [key, layer.values[key]] as const);
  const typed = expandPaths(Object.fromEntries(values), env);
  const labelOf = (key: OptionKey) => origins.get(key)?.labelOf(key) ?? OPTIONS[key].long;
  refuseContradictions(typed, labelOf);
  refuseLeak(origins);
  const parsed = settingsSchema.safeParse(typed);
  if (parsed.success) return parsed.data;
  const key = OPTION_KEYS.find((name) => name === parsed.error.issues[0]?.path[0]);
  if (key === undefined) throw parsed.error;
  throw valueError(command, key, { typed: typed[key], label: labelOf(key) });
}

/** Where a command's settings come from. */
export function originsOf(command: CommandName, layers: readonly Layer[]): Origins {
  return originsIn(layers, (key, layer) =>
    isFile(layer) ? takesFromFile(command, key) : takesOption(command, key),
  );
}

const isFile = (layer: LayerName) => layer === 'project' || layer === 'user';

/**
 * Where a project's file says who is asked, what the user is known by is not sent there. Nor is what the user's
 * file holds sent where nobody has said: a directory that was passed on keeps a manifest, and that its homepage.
 */
function refuseLeak(origins: Origins): void {
  const where = (['source', 'pageUrl'] as const).find(
    (key) => origins.get(key)?.name === 'project',
  );
  const header = origins.get('header');
  if (header === undefined) return;
  if (where === undefined) {
    if (header.name === 'user' && !origins.has('source')) throw headerForNobody(header);
    return;
  }
  const [secret, source] = [header.labelOf('header'), origins.get(where)?.labelOf(where)];
  const text = `give ${OPTIONS[where].long} yourself, if that is to get the header`;
  throw new CcxriError('usage', `${secret} would be sent to where ${source ?? ''} says`, {
    next: [{ kind: 'advice', text }],
  });
}

function headerForNobody(header: Layer): CcxriError {
  const secret = header.labelOf('header');
  return new CcxriError('usage', `${secret} is for no source that you have named`, {
    next: [
      {
        kind: 'option',
        option: 'source',
        purpose: 'for this run, or write "source" into that file as well',
      },
    ],
  });
}

/** What of the files of settings may not be intended, a sentence each. */
export function configWarnings(
  places: readonly ConfigPlace[],
  origins: Origins,
): readonly string[] {
  return [...ignoredFiles(places), ...sourcesOfProject(origins)];
}

function ignoredFiles(config: readonly ConfigPlace[]): readonly string[] {
  return config.flatMap(({ status, path }) =>
    status === 'ignored'
      ? [
          `${toPrintable(path, 4096)} is not read: it is somebody else's, in a directory that all may write`,
        ]
      : [],
  );
}

/** A warning, where a project's file says who is asked. */
function sourcesOfProject(origins: Origins): readonly string[] {
  const key = (['source', 'pageUrl'] as const).find(
    (name) => origins.get(name)?.name === 'project',
  );
  if (key === undefined) return [];
  const said = origins.get(key)?.labelOf(key) ?? '';
  return [
    `${said} says where files come from: what no published MD5 decides (single images, Viral-1 and Other-1) is believed from there`,
  ];
}

function valueError(
  command: CommandName,
  key: OptionKey,
  { typed = '', label }: { readonly typed: RawValue | undefined; readonly label: string },
): CcxriError {
  const { expects, secret } = OPTIONS[key];
  const value = toPrintable([typed].flat().join(', '), 80);
  const found = secret === true ? 'something else (not shown)' : `"${value}"`;
  const meant = secret === true ? undefined : valueMeant(key, value);
  const help = {
    kind: 'run',
    command: 'help',
    argument: command,
    purpose: 'to see its options',
  } as const;
  const text = `say ${OPTIONS[key].long} ${meant ?? ''}`;
  return new CcxriError('usage', `${label} takes ${expects}; got ${found}`, {
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

function fromEnvironment(env: Environment): RawOptions {
  const found: Partial<Record<OptionKey, RawValue>> = {};
  for (const key of OPTION_KEYS) {
    const text = env[variableOf(key)];
    // As usual, an empty variable counts as not set.
    if (text !== undefined && text !== '') found[key] = toRaw(key, text);
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
  const known = [...OPTION_KEYS.map(variableOf), NO_CONFIG];
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
