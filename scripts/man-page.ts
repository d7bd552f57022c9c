import { COMMANDS } from '../src/cli/command-table.ts';
import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import { TOPICS, describeOption } from '../src/cli/help.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  OPTIONS,
  OPTION_KEYS,
  type OptionKey,
  usageOf,
  variableOf,
} from '../src/cli/options.ts';
import { readVersion } from '../src/fs/package-version.ts';

/** Of the form of this page; what it says follows the code. */
const DATE = '2026-11-29';

/** docs/ccxri.1, in the man macros that groff and mandoc both read. */
export function manPage(): string {
  const version = readVersion();
  return `.\\" Generated from src/cli/options.ts and src/cli/command-table.ts by \`npm run docs\`.
.TH CCXRI 1 "${DATE}" "ccxri ${version}" "User Commands"
.SH NAME
ccxri \\- download, check, extract and join the CC\\-CXRI chest X\\-ray dataset
.SH SYNOPSIS
.B ccxri
.I command
.RI [ options ]
.RI [ argument ]
.SH DESCRIPTION
${text('Gets 82 archives and two label files, each checked by its published MD5. A command that is run again continues, and does only what is missing.')}
${text('Every option has a variable in the environment, and some may be set in files, which "ccxri config" shows. What is typed counts first, then variables, the file of the project, and that of the user.')}
.SH COMMANDS
${COMMAND_NAMES.map(commandRow).join('\n')}
.SH OPTIONS
${text('These hold for every command. Options may stand before the command or behind it.')}
${OPTION_KEYS.filter(isCommon).map(optionRow).join('\n')}
.SS Of some commands
${OPTION_KEYS.filter((key) => !isCommon(key))
  .map(optionRow)
  .join('\n')}
.SH ENVIRONMENT
${text('Flags take 1 or 0, true or false, yes or no. Names are separated by commas; sources, headers and other texts by newlines.')}
${OPTION_KEYS.map((key) => tagged(variableOf(key), `as ${OPTIONS[key].long}`)).join('\n')}
${tagged('HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY', 'the proxies')}
${tagged('NODE_EXTRA_CA_CERTS', 'a file with the certificates of a company')}
${tagged('NO_COLOR, FORCE_COLOR', 'no colours; colours also where there is no terminal')}
.SH FILES
${tagged('./cc-cxri', 'the dataset directory, unless --dest names another')}
${tagged('ccxri.config.json', 'beside the dataset directory, or in the current one: the settings of a project')}
${tagged('$XDG_CONFIG_HOME/ccxri/ccxri.config.json', 'those of the user; ~/.config where the variable is not set')}
.SH EXIT STATUS
${EXIT_CODES.map(({ code, meaning, next }) => tagged(String(code), `${meaning}. Next: ${next.replaceAll('`', '"')}`)).join('\n')}
.SH EXAMPLES
${COMMAND_NAMES.flatMap((name) => COMMANDS[name].examples)
  .map(([line, does]) => tagged(line, does.replaceAll('`', '"')))
  .join('\n')}
.SH SEE ALSO
${text(`"ccxri help COMMAND" has the options of one command; "ccxri help" also knows ${Object.keys(TOPICS).join(', ')}.`)}
`;
}

/** Text that troff shows as it is: no line of it is a request, no sign an escape, none outside ASCII. */
function text(raw: string): string {
  return raw
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(/[^\x20-\x7e]/gu, (sign) => {
      const code = sign.codePointAt(0)?.toString(16).toUpperCase() ?? '';
      return `\\[u${code.padStart(4, '0')}]`;
    })
    .replace(/(?<=^| )\./g, '\\&.')
    .replaceAll(LONG_LINE, '$1\n');
}

/** As much as fits a line, and a blank. Nothing is lost: troff fills the lines anew. */
const LONG_LINE = /(.{40,76}) /g;

/** A term, and what it means. */
function tagged(term: string, meaning: string): string {
  return `.TP\n\\fB${text(term)}\\fR\n${text(meaning)}`;
}

function commandRow(name: CommandName): string {
  const { summary, argument } = COMMANDS[name];
  const usage = argument === undefined ? '' : ` \\fI${text(argument.usage)}\\fR`;
  return `.TP\n\\fB${text(name)}\\fR${usage}\n${text(summary)}`;
}

const isCommon = (key: OptionKey) => OPTIONS[key].commands === undefined;

function optionRow(key: OptionKey): string {
  const { help, default: byDefault, commands = [], own = {} } = OPTIONS[key];
  const general = byDefault === undefined ? help : `${help} (default: ${byDefault})`;
  const taken = commands.length === 0 ? '' : ` [${commands.join(', ')}]`;
  const others = commands.flatMap((name) => {
    const words = own[name];
    if (words?.help === undefined && words?.default === undefined) return [];
    return [`.br\n${text(`${name}: ${describeOption(key, name)}`)}`];
  });
  return [tagged(usageOf(key), general + taken), ...others].join('\n');
}
