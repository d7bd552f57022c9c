import { toPrintable, toPrintableLink } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import { layersOf, nameOf } from '../config-policy.ts';
import type { ConfigResult, SettingRow } from '../config-types.ts';
import { OPTIONS, type OptionKey, OPTION_KEYS, type RawValue, variableOf } from '../options.ts';
import { type Layer, type Origins, layersFrom, originsIn } from '../options-resolve.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

/** Shows what every command would be given, whichever takes it. */
export function runConfig(context: CommandContext): Promise<CommandOutcome> {
  const { typed, env, config, dest } = context;
  const origins = originsIn(layersFrom(typed, env, config), () => true);
  const result: ConfigResult = {
    dest,
    files: config.map(({ layer, path, status }) => ({ layer, path, status })),
    settings: OPTION_KEYS.map((key) => rowOf(key, origins, context)),
  };
  const set = result.settings.filter(({ from }) => from !== 'default').length;
  return Promise.resolve({
    result,
    counts: { settings: result.settings.length, set },
    errors: [],
    render: (view) => renderConfig(result, view),
    isStatusOnly: false,
  });
}

function rowOf(key: OptionKey, origins: Origins, context: CommandContext): SettingRow {
  const layer = origins.get(key);
  const common = { option: nameOf(key), inFiles: layersOf(key) };
  const isInFile = layer?.name === 'project' || layer?.name === 'user';
  if (key === 'dest' && context.isFound && (layer === undefined || isInFile)) {
    return { ...common, value: toPrintable(context.dest, 4096), from: 'directory', where: null };
  }
  if (layer === undefined) {
    const { default: said, value: place } = OPTIONS[key];
    const byDefault = said ?? (place === undefined ? false : null);
    return { ...common, value: byDefault, from: 'default', where: null };
  }
  const value = shownOf(key, layer.values[key] ?? '');
  return { ...common, value, from: layer.name, where: whereOf(key, layer, context) };
}

function whereOf(key: OptionKey, { name }: Layer, { config }: CommandContext): string | null {
  if (name === 'variable') return variableOf(key);
  return config.find(({ layer }) => layer === name)?.path ?? null;
}

/** Names of headers, and addresses without passwords: the rest would be read over a shoulder. */
function shownOf(key: OptionKey, value: RawValue): string | boolean | readonly string[] {
  const { secret, value: place } = OPTIONS[key];
  const toShown = (text: string) => {
    if (secret === true) return `${/^[\w-]+(?=:)/.exec(text)?.[0] ?? ''}: (not shown)`;
    return text.includes('://') ? toPrintableLink(text) : toPrintable(text, 4096);
  };
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return value.map(toShown);
  if (place === undefined) return /^(?:1|true|yes|on)$/i.test(value);
  return toShown(value);
}

/** What is set first; of what is not, only what a file could set. */
function renderConfig({ files, settings }: ConfigResult, view: View): string {
  const set = settings.filter(({ from }) => from !== 'default');
  const others = settings.filter(({ from, inFiles }) => from === 'default' && inFiles.length > 0);
  const rows = [...set, ...others].map(({ option, value, from, where }) => [
    option,
    typeof value === 'boolean' ? (value ? 'yes' : 'no') : [value ?? ''].flat().join(', '),
    where === null ? FROM[from] : `${FROM[from]} ${toPrintable(where, 4096)}`,
  ]);
  const fileRows = files.map(({ layer, path, status }) => [
    FROM[layer],
    toPrintable(path, 4096),
    status === 'absent' ? 'not there' : status,
  ]);
  return joinParts([
    view.table(['setting', 'value', 'from'], rows),
    view.table(['', '', ''], fileRows),
  ]);
}

const FROM: Readonly<Record<SettingRow['from'], string>> = {
  flag: 'command line',
  variable: 'variable',
  project: "project's file",
  user: "user's file",
  directory: 'the directory that you are in',
  default: 'default',
};
