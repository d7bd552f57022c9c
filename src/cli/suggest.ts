import { quoteForShell, toPrintableLink } from '../text.ts';
import type { RawOptions } from './options-resolve.ts';
import { OPTIONS, type CommandName } from './options.ts';
import type { OptionKey } from './options-schema.ts';

/** Which of what a user typed belongs into the commands that are suggested next. */
const CARRIED: readonly (readonly [OptionKey, readonly CommandName[]])[] = [
  ['dest', ['fetch', 'verify', 'extract', 'join', 'status']],
  ['manifest', ['list', 'fetch', 'verify', 'extract', 'join', 'status', 'links']],
  ['source', ['fetch', 'links']],
];

/** A whole command of ccxri in backticks: as hints and messages of the library hold them. */
const COMMAND = /`ccxri ([a-z]+)((?: [^`]*)?)`/g;

/**
 * Completes the commands in a text (in backticks) with where and of what the user typed this run to
 * be: who follows the advice must not end in another directory. Variables stay set by themselves.
 */
export function completeCommands(text: string, typed: RawOptions): string {
  return text.replace(COMMAND, (_whole, command: string, rest: string) => {
    const added = CARRIED.flatMap(([key, commands]) => {
      const flag = OPTIONS[key].long;
      const isOpen = commands.some((name) => name === command) && !rest.includes(`${flag} `);
      const value = typed[key];
      if (!isOpen || value === undefined || typeof value === 'boolean') return [];
      const named = [value].flat();
      const items = key === 'source' ? named.filter((each) => mayHave(each, rest)) : named;
      return items.map((item) => ` ${flag} ${quoteForShell(withoutSecrets(item))}`);
    });
    return `\`ccxri ${command}${rest}${added.join('')}\``;
  });
}

/** A source that is one file has nothing for a command that is for other files alone. */
function mayHave(source: string, rest: string): boolean {
  const name = /([^/\\{}]+)\.(?:zip|csv)$/i
    .exec(source.replace(/^(https?:[^?#]*).*$/i, '$1'))?.[1]
    ?.toLowerCase();
  if (name === undefined || rest.includes('--subset ')) return true;
  const asked = [...rest.matchAll(/--file ([^ ]+)/g)].map(([, file = '']) =>
    file.replace(/\.(?:zip|csv)$/i, '').toLowerCase(),
  );
  return asked.length === 0 || asked.includes(name);
}

/**
 * A URL's password, and what looks secret in its query, are not to be shown: whoever types it again
 * has to add them. The rest of the query stays, and so does the place of the name: `?file={name}`.
 */
function withoutSecrets(word: string): string {
  if (!/^https?:/i.test(word)) return word;
  const shown = toPrintableLink(word);
  return word.includes('{name}') ? shown.replaceAll('%7Bname%7D', '{name}') : shown;
}
