import { resolveLinks } from '../../links/resolve-links.ts';
import type { LinksResult } from '../../links/links-types.ts';
import type { SourceKind } from '../../sources/source.ts';
import { count, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import { joinParts } from '../render-outcomes.ts';
import { renderTable } from '../render-table.ts';
import { styleOf } from '../style.ts';
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
    render: (view) => context.suggest(renderLinks(result, view, manifest.homepage)),
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

function renderLinks(result: LinksResult, view: View, homepage: string): string {
  const { links, tried } = result;
  const found = links.filter(({ location }) => location !== null);
  const missing = links.length - found.length;
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
    missing === 0 ? '' : waysOn(view, homepage),
  ]);
}

/** Nobody but the user can find out where files are that no source has. */
function waysOn(view: View, homepage: string): string {
  return [
    `${styleOf(view).bold('next:')} two ways on:`,
    `- open ${toPrintable(homepage)} in a browser, save the page (as HTML), and give that file:`,
    '  `ccxri links --source page.html`',
    '- give a mirror (a URL or a directory that holds the files under their names):',
    '  `ccxri links --source https://mirror.example/ccxri/`',
    '',
  ].join('\n');
}
