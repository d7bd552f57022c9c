import { type DatasetList, listDataset } from '../../list.ts';
import { loadManifest } from '../../manifest/load.ts';
import { type ManifestFile, isEmptySelection } from '../../manifest/manifest.ts';
import { formatBytes, formatCount, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import { renderTable, styleOf, wrapProse } from '../render-table.ts';
import { selectionOf } from './shared.ts';

export async function runList({ settings, suggest }: CommandContext): Promise<CommandOutcome> {
  const selection = selectionOf(settings);
  const list = listDataset(await loadManifest(settings.manifest), selection);
  const body = isEmptySelection(selection) ? renderSubsets : renderFiles;
  return {
    result: list,
    counts: { files: list.files.length },
    errors: [],
    render: (view) => suggest(`${renderHead(list, view)}\n${body(list, view)}`),
    isTalk: false,
  };
}

function renderHead(list: DatasetList, view: View): string {
  const { dataset, version, released, homepage } = list;
  const name = styleOf(view).bold(toPrintable(`${dataset} ${version}`));
  return `${name} (${released})\n${toPrintable(homepage)}\n`;
}

const NOTE = [
  'Sizes are about right: published rounded, it seems in 1024s; here 1 GB is 1000 MB.',
  '`ccxri list --subset NAME` shows the files, `ccxri fetch --subset NAME` gets them.',
].join('\n');

function renderSubsets(list: DatasetList, view: View): string {
  return [
    renderSubsetTable(list, view),
    `\n${wrapProse(NOTE, view.width)}\n`,
    list.citation === ''
      ? ''
      : `\n${wrapProse(`To cite: ${toPrintable(list.citation, 2000)}`, view.width)}\n`,
  ].join('');
}

function renderSubsetTable({ subsets }: DatasetList, { width }: { width: number }): string {
  return renderTable(
    [
      { title: 'subset' },
      { title: 'archives', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'labels' },
    ],
    subsets.map(({ subset, archives, aboutBytes, labels }) => [
      subset,
      formatCount(archives),
      `about ${formatBytes(aboutBytes)}`,
      // Two names of label files are wider than a terminal.
      labels.length > 1 ? `${labels.length} files` : labels.join(),
    ]),
    width,
  );
}

function renderFiles({ files }: DatasetList, view: View): string {
  const isDisputed = ({ md5Disputed }: ManifestFile) => md5Disputed !== undefined;
  const table = renderTable(
    [{ title: 'file' }, { title: 'size', align: 'right' }, { title: 'MD5' }],
    files.map((file) => [file.name, file.size, `${file.md5}${isDisputed(file) ? ' *' : ''}`]),
    view.width,
  );
  const notes = files.filter(isDisputed).map(({ name, md5Disputed }) => {
    const why = toPrintable(md5Disputed ?? '', 500);
    return `${wrapProse(`* ${name}: the MD5 is disputed: ${why}`, view.width, '  ')}\n`;
  });
  return [table, notes.length === 0 ? '' : '\n', ...notes].join('');
}
