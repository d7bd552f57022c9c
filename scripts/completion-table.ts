import * as z from 'zod';
import { COMMANDS } from '../src/cli/command-table.ts';
import type {
  CompletionCommand,
  CompletionOption,
  CompletionTable,
  ValueKind,
} from '../src/cli/complete.ts';
import { TOPICS } from '../src/cli/help.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  takesOption,
  wordsOf,
} from '../src/cli/options.ts';
import { LABEL_COLUMNS } from '../src/labels/label-names.ts';

/** Options whose values are names. */
const NAMED: Partial<Record<OptionKey, ValueKind>> = {
  subset: 'subset',
  holdout: 'subset',
  file: 'file',
  label: 'label',
  withoutLabel: 'label',
};

function completionTable(): CompletionTable {
  const commands = COMMAND_NAMES.map((name) => [name, commandOf(name)] as const);
  return {
    commands: Object.fromEntries(commands),
    options: OPTION_KEYS.map(optionOf),
    topics: Object.keys(TOPICS),
    labels: [...LABEL_COLUMNS, 'COVID-19'],
  };
}

function optionOf(key: OptionKey): CompletionOption {
  const { long, short, list, value, help, isPath, schema } = OPTIONS[key];
  const values = valuesOf(schema);
  const kind = NAMED[key] ?? (isPath !== true ? 'text' : value === 'DIR' ? 'dirs' : 'files');
  return {
    long,
    ...(short !== undefined && { short }),
    ...(value !== undefined && values === undefined && { kind }),
    ...(values !== undefined && { values }),
    ...(list === 'comma' && { isList: true as const }),
    help,
  };
}

/** The values of an enum, whatever it is wrapped in. */
function valuesOf(schema: unknown): readonly string[] | undefined {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  const isWrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  return isWrapped ? valuesOf(schema.unwrap()) : undefined;
}

function commandOf(name: CommandName): CompletionCommand {
  const { summary, argument } = COMMANDS[name];
  const keys = OPTION_KEYS.filter((key) => takesOption(name, key));
  const own = keys.flatMap((key) => {
    const { help } = wordsOf(key, name);
    return help === OPTIONS[key].help ? [] : [[OPTION_KEYS.indexOf(key), help] as const];
  });
  const isDirectory = argument?.option === 'dest' || argument?.usage === '<dir>';
  return {
    summary,
    options: keys.map((key) => OPTION_KEYS.indexOf(key)),
    ...(own.length > 0 && { own: Object.fromEntries(own) }),
    ...(argument !== undefined &&
      (argument.values !== undefined
        ? { values: argument.values }
        : { kind: isDirectory ? ('dirs' as const) : ('files' as const) })),
  };
}

/** src/cli/completion-table.ts, an option and a command a line. */
export function completionModule(): string {
  const { commands, options, topics, labels } = completionTable();
  const rows = Object.entries(commands).map(
    ([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)},`,
  );
  return `import type { CompletionTable } from './complete.ts';

// Generated from src/cli/options.ts and src/cli/command-table.ts by \`npm run docs\`: what is there may take its time.
// prettier-ignore
export const COMPLETION_TABLE: CompletionTable = {
commands: {
${rows.join('\n')}
},
options: [
${options.map((each) => `${JSON.stringify(each)},`).join('\n')}
],
topics: ${JSON.stringify(topics)},
labels: ${JSON.stringify(labels)},
};
`;
}
