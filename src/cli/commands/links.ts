import { type LinksResult, resolveLinks } from '../../links.ts';
import type { SourceKind } from '../../sources/source.ts';
import { count, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  errorsOf,
  runOptionsOf,
  sourceOptionsOf,
} from '../command.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runLinks(context: CommandContext): Promise<CommandOutcome> {
  const { manifest, selection, signal, onEvent } = await runOptionsOf(context);
  const run = { manifest, selection, signal, onEvent };
  const result = await resolveLinks({ ...run, ...sourceOptionsOf(context) });
  const { links } = result;
  const found = links.filter(({ location }) => location !== null).length;
  return {
    result,
    counts: { files: links.length, found, notFound: links.length - found },
    errors: errorsOf(links),
    render: (view) => renderLinks(result, view),
    isStatusOnly: false,
  };
}

const KINDS: Readonly<Record<SourceKind, string>> = {
  directory: 'directory',
  'base-url': 'base URL',
  page: 'page',
  file: 'file',
  manifest: 'manifest:',
};

/** Why files are not found, and what to do about it, is said by their errors. */
function renderLinks({ links, tried }: LinksResult, view: View): string {
  const said = links.flatMap(({ error }) => [error?.message, ...(error?.facts.reasons ?? [])]);
  const found = links.flatMap(({ file, location }) =>
    location === null ? [] : [[file, location]],
  );
  const sources = tried.map(({ source, kind, found: n, error }) => {
    const why = error === undefined || said.includes(error.message) ? '' : `: ${error.message}`;
    return `- ${KINDS[kind]} ${toPrintable(source, 1000)}: ${count(n, 'file')} found${why}\n`;
  });
  return joinParts([
    found.length === 0 ? '' : view.table(['file', 'where'], found),
    `${found.length} of ${count(links.length, 'file')} found; tried, in this order:\n${sources.join('')}`,
  ]);
}
