import { readFileSync } from 'node:fs';
import type { CommanderError } from 'commander';
import { CcxriError, type NextStep, isCcxriError, withDetails } from '../errors.ts';
import { labelMeant } from '../labels/label-words.ts';
import { BUNDLED_MANIFEST_PATH, parseManifest } from '../manifest/load.ts';
import { type Selection, nearestOf, selectFiles, stemOf } from '../manifest/manifest.ts';
import { quoteForShell, toPrintable } from '../text.ts';
import { COMMANDS } from './command-table.ts';
import { commandMeant, optionMeant } from './guesses.ts';
import { takersOf } from './help.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  takesOption,
  usageOf,
} from './options.ts';

/** A command line that commander could not read, with what was meant. */
export function toUsageError(error: CommanderError, argv: readonly string[]): CcxriError {
  const command = COMMAND_NAMES.find((name) => argv.includes(name));
  const usage = (message: string, ...next: readonly NextStep[]) =>
    new CcxriError('usage', toPrintable(message), { next });
  const [, quoted = ''] = /'([^']*)'/.exec(error.message) ?? [];
  switch (error.code) {
    case 'commander.help': {
      const isVersion = argv.every((word) => /^(?:-v|--verbose)$/.test(word));
      const text = 'run `ccxri --version` for the version';
      const or = helpOn(undefined);
      return usage('no command was given', isVersion ? { kind: 'advice', text, or } : or);
    }
    case 'commander.unknownCommand': {
      const meant = argv.find(
        (word) => !word.startsWith('-') && error.message.includes(`'${word}'`),
      );
      return usage(`unknown command '${meant ?? quoted}'`, commandStep(meant ?? quoted, argv));
    }
    case 'commander.excessArguments': {
      const bare = optionWithoutValue(argv);
      if (bare === undefined) break;
      return valueMissing(bare, command);
    }
    case 'commander.unknownOption': {
      const typed = quoted.replace(/=.*$/s, '');
      const own = keyOf(typed);
      if (own !== undefined && command !== undefined) return notTaken(own, command);
      const step = optionStep(typed, command);
      if (step !== undefined) return usage(`unknown option '${typed}'`, step);
    }
  }
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  const isExcess = error.code === 'commander.excessArguments';
  const first = isExcess ? selectionStep(argv, command) : undefined;
  const help = helpOn(command);
  return usage(text, first === undefined ? help : { ...first, or: help });
}

/** An option that only other commands take. */
export function notTaken(key: OptionKey, command: CommandName): CcxriError {
  const { long } = OPTIONS[key];
  const message = `${command} does not take ${long}: it is an option of ${takersOf(key)}`;
  const isPlace = key === 'output' && takesOption(command, 'dest');
  const text = isPlace ? 'name the directory with --dest DIR' : 'leave it out';
  return new CcxriError('usage', message, {
    next: [{ kind: 'advice', text, or: helpOn(command) }],
  });
}

function helpOn(command: CommandName | undefined, purpose?: string): NextStep {
  const shown = command === undefined ? 'to see the commands' : 'to see its options';
  return { kind: 'run', command: 'help', argument: command, purpose: purpose ?? shown };
}

/** `ccxri download --subset viral`: the same line with the command that is meant. */
function commandStep(typed: string, argv: readonly string[]): NextStep {
  const or = helpOn(undefined);
  const meant = commandMeant(typed);
  if (meant !== undefined) {
    const words = wordsMeant(typed, meant, argv);
    // A header may be a secret.
    const isOpen = !words.some((word) => word.startsWith('--header') || /:\/\/[^/]*@/.test(word));
    const line = isOpen ? words.map((word) => quoteForShell(word)).join(' ') : `${meant} …`;
    const names = isOpen && words.includes(ANY_SUBSET) ? ' (`ccxri list` shows the subsets)' : '';
    return { kind: 'advice', text: `run \`ccxri ${line}\`${names}`, or };
  }
  const label = labelStep(typed);
  if (label !== undefined) return { ...label, or };
  const selection = selectionMeant(typed);
  return selection === undefined ? or : { kind: 'run', command: 'fetch', ...selection, or };
}

/** Where the user has to choose a subset. */
const ANY_SUBSET = 'NAME';

/** The words of a command line with the command that is meant, and with options for names alone. */
function wordsMeant(typed: string, meant: CommandName, argv: readonly string[]): readonly string[] {
  const at = argv.indexOf(typed);
  const takesNames = takesOption(meant, 'subset');
  const after = argv.slice(at + 1).flatMap((word, index) => {
    const before = keyOf(argv[at + index]);
    const isValue = before !== undefined && OPTIONS[before].value !== undefined;
    if (!takesNames || isValue || word.startsWith('-')) return [word];
    const { subsets = [], files = [] } = selectionMeant(word) ?? {};
    const label = subsets.length + files.length === 0 ? labelMeant(word)?.label : undefined;
    const named = [
      ...(label === undefined ? [] : ['--label', label]),
      ...subsets.flatMap((name) => ['--subset', name]),
      ...files.flatMap((name) => ['--file', name]),
    ];
    return named.length === 0 ? [word] : named;
  });
  const words = [...argv.slice(0, at), meant, ...after];
  const isSelected = words.some((word) => /^--(?:subset|file|label)(?:=|$)/.test(word));
  return meant !== 'fetch' || isSelected ? words : [...words, '--subset', ANY_SUBSET];
}

/** `ccxri chestdx`: a name of the bundled manifest. */
function selectionMeant(typed: string): Selection | undefined {
  const manifest = parseManifest(readFileSync(BUNDLED_MANIFEST_PATH, 'utf8'));
  const selections = [{ subsets: [typed] }, { files: [typed] }];
  return selections.find((selection) => {
    try {
      return selectFiles(manifest, selection).length > 0;
    } catch (error) {
      if (isCcxriError(error, 'unknown-subset', 'unknown-file')) return false;
      throw error;
    }
  });
}

/** A label typed for a subset: its images can be had without the others. */
function labelStep(typed: string): NextStep | undefined {
  const meant = labelMeant(typed);
  if (meant === undefined) return undefined;
  return {
    kind: 'run',
    command: 'fetch',
    options: { label: meant.label },
    purpose: 'for its images alone',
  };
}

/**
 * `ccxri fetch covid`: no new directory is called so.
 * @throws CcxriError `usage`, with the subset that has the label
 */
export function assertNoLabel(typed: string): void {
  const meant = labelMeant(typed);
  const step = labelStep(typed);
  if (meant === undefined || step === undefined) return;
  const message = `${toPrintable(typed, 80)} is no directory: ${meant.label} is a label of images in ${meant.subsets.join(' and ')}`;
  const or = {
    kind: 'option',
    option: 'dest',
    value: `./${typed}`,
    purpose: 'if a directory of that name is meant',
  } as const;
  throw new CcxriError('usage', message, { next: [{ ...step, or }] });
}

/** The error of an unknown name, where a label was typed. */
export function withLabelMeant(error: unknown): unknown {
  if (!isCcxriError(error, 'unknown-subset', 'unknown-file')) return error;
  const { found = '', expected = '' } = error.facts;
  const meant = labelMeant(found);
  const step = labelStep(found);
  const subsets = meant?.subsets.filter((subset) => expected.split(/,? /).includes(subset)) ?? [];
  if (meant === undefined || step === undefined || subsets.length === 0) return error;
  const kind = error.code === 'unknown-file' ? 'file' : 'subset';
  const message = `"${found}" is no ${kind}: ${meant.label} is a label of images in ${subsets.join(' and ')}`;
  return withDetails(error, { message, next: [step] });
}

function optionStep(typed: string, command: CommandName | undefined): NextStep | undefined {
  const meant = optionMeant(typed);
  const or = helpOn(command);
  if (typeof meant === 'object') return { ...meant, or };
  if (meant === undefined || (command !== undefined && !takesOption(command, meant)))
    return undefined;
  return { kind: 'advice', text: `use ${usageOf(meant)}`, or };
}

export function valueMissing(option: string, command: CommandName | undefined): CcxriError {
  return new CcxriError('usage', `${option} needs a value`, {
    next: [helpOn(command, 'to see which value it takes')],
  });
}

/** `--source --dest d5`: the next option was taken for the value, and its own value for a word. */
export function optionWithoutValue(argv: readonly string[]): string | undefined {
  return argv.find((word, at) => {
    const key = keyOf(word);
    const takesValue = key !== undefined && OPTIONS[key].value !== undefined;
    return takesValue && keyOf(argv[at + 1]) !== undefined;
  });
}

function keyOf(typed: string | undefined): OptionKey | undefined {
  if (typed === undefined) return undefined;
  return OPTION_KEYS.find((key) => [OPTIONS[key].long, OPTIONS[key].short].includes(typed));
}

/** `ccxri fetch chestdx`: words alone after a command that takes subsets. */
function selectionStep(argv: readonly string[], command: CommandName | undefined): NextStep {
  const [name, ...words] = argv;
  const takesNames =
    command !== undefined &&
    name === command &&
    takesOption(command, 'subset') &&
    COMMANDS[command].argument?.option === 'dest';
  if (!takesNames || words.some((word) => word.startsWith('-'))) {
    const text = 'name subsets and files by options: --subset NAME, --file NAME';
    return { kind: 'advice', text };
  }
  const isFile = (word: string) => /\d|\.(?:zip|csv)$/i.test(word);
  const unknown = words.filter((word) => !isNearName(word));
  // Of several none is known to be the directory: they may be names of another manifest.
  const [directory] = unknown.length === 1 ? unknown : [];
  const shown = words.filter((word) => word !== directory).map((word) => toPrintable(word, 80));
  return {
    kind: 'run',
    command,
    subsets: shown.filter((word) => !isFile(word)),
    files: shown.filter(isFile),
    ...(directory === undefined ? {} : { options: { dest: toPrintable(directory, 4096) } }),
  };
}

/** A subset or file of the bundled manifest, also where it is misspelt, or a label. */
function isNearName(word: string): boolean {
  if (labelMeant(word) !== undefined || selectionMeant(word) !== undefined) return true;
  const { files } = parseManifest(readFileSync(BUNDLED_MANIFEST_PATH, 'utf8'));
  const names = files.flatMap(({ name, subsets }) => [stemOf(name), ...subsets]);
  return (
    nearestOf(word.toLowerCase(), [...new Set(names)], (name) => name.toLowerCase()) !== undefined
  );
}
