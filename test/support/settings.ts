import { resolveSettings } from '../../src/cli/options-resolve.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  type OptionKey,
  type RawOptions,
  type Settings,
  takesOption,
} from '../../src/cli/options.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { CcxriError } from '../../src/errors.ts';

export function commandOf(key: OptionKey): CommandName {
  return COMMAND_NAMES.find((name) => takesOption(name, key))!;
}

export function flagsOf(...argv: readonly string[]): { command: CommandName; flags: RawOptions } {
  const request = parseCommandLine(argv, 80);
  if (request.kind !== 'command') throw new Error(`no command: ${request.text}`);
  return request;
}

export function settingsOf(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Settings {
  const { command, flags } = flagsOf(...argv);
  return resolveSettings(command, flags, env);
}

export function usageErrorOf(work: () => unknown): CcxriError {
  try {
    work();
  } catch (error) {
    if (error instanceof CcxriError && error.code === 'usage') return error;
    throw error;
  }
  throw new Error('no error was thrown');
}
