import { quoteForShell } from '../text.ts';
import { LIST_NAMES, type ListFacts } from './formats.ts';
import type { HandoffFile, HandoffFormat } from './types.ts';

/** The text that says how to use the lists, beside them. */
export const INSTRUCTIONS_NAME = 'ccxri-plan.txt';

/**
 * What to run in the directory with the lists, one line for each; files come to lie beside them. Pure.
 * @param formats those that have a list
 */
export function commandsFor(
  formats: readonly HandoffFormat[],
  files: readonly HandoffFile[],
  { userAgent }: ListFacts,
): readonly string[] {
  const agent = quoteForShell(`--user-agent=${userAgent}`, 'posix');
  const aria2 = `--continue=true --auto-file-renaming=false --check-integrity=true ${agent}`;
  // What a URL ends in is no name then.
  const named = files.every(({ file, urls: [url] }) => url === undefined || isNamed(url, file));
  const wget = named ? '--continue' : '--content-disposition';
  const lines: Readonly<Record<HandoffFormat, string | undefined>> = {
    aria2: `aria2c --input-file=${LIST_NAMES.aria2} ${aria2}`,
    metalink: `aria2c --metalink-file=${LIST_NAMES.metalink} ${aria2}`,
    wget: `wget --input-file=${LIST_NAMES.wget} ${wget} ${agent}`,
    rclone: `sh ${LIST_NAMES.rclone} .`,
    md5sum: `md5sum --check --ignore-missing ${LIST_NAMES.md5sum}`,
    json: undefined,
  };
  // Those that download come before the check.
  const order: readonly HandoffFormat[] = ['aria2', 'metalink', 'wget', 'rclone', 'md5sum'];
  return order.flatMap((format) => (formats.includes(format) ? (lines[format] ?? []) : []));
}

function isNamed(url: string, file: string): boolean {
  return new URL(url).search === '' && url.endsWith(`/${encodeURIComponent(file)}`);
}

/** The text beside the lists. @param then what to do with the files, as a sentence */
export function renderInstructions(
  files: readonly HandoffFile[],
  { commands, then }: { readonly commands: readonly string[]; readonly then: string | undefined },
  { release }: ListFacts,
): string {
  const unknown = files.filter(({ urls }) => urls.length === 0).map(({ file }) => file);
  const disputed = files.filter(({ md5Disputed }) => md5Disputed).map(({ file }) => file);
  return [
    `${files.length === 1 ? '1 file' : `${files.length} files`} of ${release} that a dataset directory lacks.`,
    '',
    ...(commands.length === 0
      ? []
      : [
          'In this directory, one of these gets or checks them:',
          '',
          ...commands.map((line) => `    ${line}`),
          '',
        ]),
    'Names do not matter afterwards, for ccxri goes by the content.',
    ...(then === undefined
      ? []
      : [
          `Then ${then}; if the files are carried elsewhere, name the directory that they lie in there.`,
        ]),
    '',
    ...(unknown.length === 0 ? [] : [`Without an address: ${unknown.join(', ')}`, '']),
    ...(disputed.length === 0
      ? []
      : [
          `Their published MD5s can not be trusted, so only ccxri checks them: ${disputed.join(', ')}`,
          '',
        ]),
    'Headers, user names and passwords are not in these files: give them to the tool where a server asks.',
    '',
  ].join('\n');
}
