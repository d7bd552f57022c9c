import { pathKind } from '../../fs/paths.ts';
import { type Manifest, selectFiles, stemOf, subsetNames } from '../../manifest/manifest.ts';
import { selectionFlags } from '../next-steps.ts';
import {
  type FileState,
  type FileStatusRow,
  type StatusResult,
  datasetStatus,
} from '../../status.ts';
import { count, formatBytes, toPrintable } from '../../text.ts';
import type { CommandContext, CommandOutcome } from '../command.ts';
import type { View } from '../io.ts';
import { joinParts, renderContentChecked } from '../render-outcomes.ts';
import { renderTable, styleOf } from '../render-table.ts';
import { runOptionsOf, strictErrors } from './shared.ts';

const STATES: Readonly<Record<FileState, string>> = {
  done: 'done',
  checked: 'checked, not extracted',
  'images-only': 'extracted, the archive is gone',
  'images-bad': 'images damaged or missing',
  changed: 'changed since it was checked',
  'other-manifest': 'passed for another manifest',
  unchecked: 'here, but not checked',
  partial: 'partly here',
  missing: 'missing',
};

export async function runStatus(context: CommandContext): Promise<CommandOutcome> {
  const { settings, suggest } = context;
  const { manifest, dest, selection, signal } = await runOptionsOf(context);
  const result = await datasetStatus({ manifest, dest, selection, signal });
  const kind = await pathKind(dest);
  const { files } = result;
  const counts = Object.keys(STATES).map((state) => [state, countOf(files, state)] as const);
  const disputed = files.filter(({ check }) => check === 'content-checked');
  return {
    result,
    counts: { files: files.length, ...Object.fromEntries(counts) },
    errors: strictErrors(
      settings,
      disputed.map(({ file }) => file),
    ),
    render: (view) =>
      suggest(
        result.exists ? renderStatus(result, manifest, view) : renderNothing(dest, kind, view),
      ),
    isTalk: false,
  };
}

function countOf(files: readonly FileStatusRow[], ...states: readonly string[]): number {
  return files.filter(({ state }) => states.includes(state)).length;
}

/** A table of zeros would say less. */
function renderNothing(dest: string, kind: string, view: View): string {
  const next = styleOf(view).bold('next:');
  const path = toPrintable(dest, 4096);
  return kind === 'nothing'
    ? `there is no directory ${path} yet\n${next} \`ccxri fetch --subset NAME\`\n`
    : `${path} is a file, not a directory\n${next} name another one: --dest DIR\n`;
}

function renderStatus(result: StatusResult, manifest: Manifest, view: View): string {
  const { files } = result;
  const told = view.verbose ? files : files.filter(({ state }) => isWorthALine(state));
  return joinParts([
    `${styleOf(view).bold(toPrintable(result.dest, 4096))}\n`,
    renderSubsets(files, manifest, view),
    told.length === 0 ? '' : renderFiles(told, view),
    renderContentChecked(files),
    renderNotes(result),
  ]);
}

/** Files that are simply there or simply not are only counted, and those of another manifest are. */
function isWorthALine(state: FileState): boolean {
  return state !== 'done' && state !== 'missing' && state !== 'other-manifest';
}

/** One line a subset, the last for all; a file that several subsets share counts in each. */
function renderSubsets(files: readonly FileStatusRow[], manifest: Manifest, view: View): string {
  const rows = subsetNames(manifest).flatMap((subset) => {
    const names = new Set(selectFiles(manifest, { subsets: [subset] }).map(({ name }) => name));
    const own = files.filter(({ file }) => names.has(file));
    if (own.length === 0) return [];
    const here = own.reduce((bytes, file) => bytes + file.bytesHere, 0);
    const total = own.reduce((bytes, file) => bytes + file.bytesTotal, 0);
    const done = countOf(own, 'done', 'images-only');
    const missing = countOf(own, 'missing');
    return [
      [
        subset,
        ...[own.length, done, own.length - done - missing, missing].map(String),
        formatBytes(here),
        `about ${formatBytes(total)}`,
      ],
    ];
  });
  const numbers = ['files', 'done', 'open', 'missing', 'here', 'of'];
  return renderTable(
    [{ title: 'subset' }, ...numbers.map((title) => ({ title, align: 'right' as const }))],
    rows,
    view.width,
  );
}

function renderFiles(files: readonly FileStatusRow[], view: View): string {
  return renderTable(
    [{ title: 'file' }, { title: 'state' }, { title: 'here', align: 'right' }],
    files.map(({ file, state, bytesHere }) => [file, STATES[state], formatBytes(bytesHere)]),
    view.width,
  );
}

function renderNotes({ files, index, workedOnBy, quarantine }: StatusResult): string {
  const unchecked = countOf(files, 'changed', 'unchecked');
  const others = countOf(files, 'other-manifest');
  const badImages = files.filter(({ state }) => state === 'images-bad').map(({ file }) => file);
  const notes = [
    ...(others === 0
      ? []
      : [`${count(others, 'file')} passed for another manifest: did you mean --manifest FILE?`]),
    `index.csv: ${index ? 'here' : 'not here'}`,
    ...(workedOnBy === null ? [] : [`another ccxri is at work here: ${toPrintable(workedOnBy)}`]),
    ...(unchecked === 0
      ? []
      : [`${count(unchecked, 'file')} not checked as it is now: \`ccxri verify\` reads them`]),
    ...(badImages.length === 0
      ? []
      : [
          `images of ${count(badImages.length, 'archive')} found damaged by verify: put them right with \`ccxri fetch${selectionFlags({ files: badImages.map(stemOf) })}\``,
        ]),
    ...quarantine.map((path) => `put aside, its bytes were wrong: ${toPrintable(path, 4096)}`),
  ];
  return notes.map((note) => `${note}\n`).join('');
}
