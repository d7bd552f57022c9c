import { type LinksResult, resolveLinks } from '../../links.ts';
import type { SourceKind } from '../../sources/source.ts';
import { count, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import { joinParts } from '../render-outcomes.ts';
import { renderTable } from '../render-table.ts';
import { errorsOf, runOptionsOf, sourceOptionsOf } from './shared.ts';

export async function runLinks(context: CommandContext): Promise<CommandOutcome> {
  const { manifest, selection, signal, onEvent } = await runOptionsOf(context);
  const result = await resolveLinks({
    manifest,
    selection,
    signal,
    onEvent,
    ...sourceOptionsOf(context),
  });
  const { links } = result;
  const found = links.filter(({ location }) => location !== null).length;
  return {
    result,
    counts: { files: links.length, found, notFound: links.length - found },
    errors: errorsOf(links),
    render: (view) => renderLinks(result, view),
    isTalk: false,
  };
}

const KINDS: Readonly<Record<SourceKind, string>> = {
  directory: 'directory',
  'base-url': 'base URL',
  page: 'page',
  file: 'file',
  manifest: 'manifest:',
};

/** The ways on, where something is not found, are the hints of the errors. */
function renderLinks(result: LinksResult, view: View): string {
  const { links, tried } = result;
  const found = links.filter(({ location }) => location !== null);
  const sources = tried.map(({ source, kind, found: n, error }) => {
    const why = error === undefined ? '' : `: ${error.message}`;
    return `- ${KINDS[kind]} ${toPrintable(source, 1000)}: ${count(n, 'file')} found${why}\n`;
  });
  return joinParts([
    found.length === 0
      ? ''
      : renderTable(
          [{ title: 'file' }, { title: 'where' }],
          found.map(({ file, location }) => [file, location ?? '']),
          view.width,
        ),
    `${found.length} of ${count(links.length, 'file')} found; tried, in this order:\n${sources.join('')}`,
  ]);
}
