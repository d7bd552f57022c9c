import { pathKind } from '../../fs/paths.ts';
import { type Manifest, selectFiles, stemOf, subsetNames } from '../../manifest/manifest.ts';
import {
  type FileState,
  type FileStatusRow,
  type StatusResult,
  datasetStatus,
} from '../../status.ts';
import { count, formatBytes, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  strictErrors,
} from '../command.ts';
import { joinParts, renderContentChecked } from '../render-outcomes.ts';
import type { View } from '../view.ts';

const STATES: Readonly<Record<FileState, string>> = {
  done: 'done',
  checked: 'checked, not extracted',
  'images-only': 'extracted, the archive is gone',
  'good-only': 'extracted but for damaged members',
  'images-bad': 'images damaged or missing',
  changed: 'changed since it was checked',
  'other-manifest': 'passed for another manifest',
  unchecked: 'here, but not checked',
  partial: 'partly here',
  missing: 'missing',
};

export async function runStatus(context: CommandContext): Promise<CommandOutcome> {
  const { manifest, dest, selection, signal } = await runOptionsOf(context);
  const result = await datasetStatus({ manifest, dest, selection, signal });
  const kind = await pathKind(dest);
  const { files } = result;
  const counts = Object.keys(STATES).map((state) => [state, countOf(files, state)] as const);
  return {
    result,
    counts: { files: files.length, ...Object.fromEntries(counts) },
    errors: strictErrors(context, files),
    render: (view) => {
      if (!result.exists) return renderNothing(dest, kind, view);
      const listed = view.verbose ? files : files.filter(({ state }) => isWorthALine(state));
      return joinParts([
        `${view.style.bold(toPrintable(result.dest, 4096))}\n`,
        renderSubsets(files, manifest, view),
        listed.length === 0 ? '' : renderFiles(listed, view),
        renderContentChecked(files),
        renderNotes(result, view),
      ]);
    },
    isStatusOnly: false,
  };
}

function countOf(files: readonly FileStatusRow[], ...states: readonly string[]): number {
  return files.filter(({ state }) => states.includes(state)).length;
}

/** A table of zeros would say less. */
function renderNothing(dest: string, kind: string, { style, suggest }: View): string {
  const next = style.bold('next:');
  const path = toPrintable(dest, 4096);
  return kind === 'nothing'
    ? `there is no directory ${path} yet\n${next} ${suggest.command('fetch', { subsets: ['NAME'] })}\n`
    : `${path} is a file, not a directory\n${next} name another one: --dest DIR\n`;
}

/** Files that are simply here or missing are only counted, as are those of another manifest. */
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
    const counts = [own.length, done, own.length - done - missing, missing].map(String);
    return [[subset, ...counts, formatBytes(here), `about ${formatBytes(total)}`]];
  });
  const numbers = ['files', 'done', 'open', 'missing', 'here', 'of'].map((right) => ({ right }));
  return view.table(['subset', ...numbers], rows);
}

function renderFiles(files: readonly FileStatusRow[], view: View): string {
  return view.table(
    ['file', 'state', { right: 'here' }],
    files.map(({ file, state, bytesHere }) => [file, STATES[state], formatBytes(bytesHere)]),
  );
}

function renderNotes(result: StatusResult, { suggest: { command } }: View): string {
  const { files, index, workedOnBy, putAside } = result;
  const unchecked = countOf(files, 'changed', 'unchecked');
  const others = countOf(files, 'other-manifest');
  const bad = files.filter(({ state }) => state === 'images-bad').map(({ file }) => stemOf(file));
  const notes = [
    others > 0 &&
      `${count(others, 'file')} passed for another manifest: did you mean --manifest FILE?`,
    `index.csv: ${index ? 'here' : 'not here'}`,
    workedOnBy !== null &&
      `another ccxri process is using this directory: ${toPrintable(workedOnBy)}`,
    unchecked > 0 &&
      `${count(unchecked, 'file')} not checked as it is now: ${command('verify')} reads them`,
    bad.length > 0 &&
      `images of ${count(bad.length, 'archive')} found damaged by verify: restore them with ${command('fetch', { files: bad })}`,
    ...putAside.map((path) => `quarantined, its content was wrong: ${toPrintable(path, 4096)}`),
  ];
  return notes.map((note) => (note === false ? '' : `${note}\n`)).join('');
}
