import type { FileOutcome } from '../dataset/session.ts';
import { FILE_STATUSES, type FileStatus, STATUS_KEYS, statusText } from '../file-status.ts';
import type { IndexResult } from '../labels/build-index.ts';
import { describeRemark, nextOfRemark } from '../labels/describe-remark.ts';
import { type Shard, shardName } from '../manifest/shard.ts';
import { count, formatCount, toPrintable } from '../text.ts';
import { type BrokenOutcome, contentChecked } from './command.ts';
import type { View } from './view.ts';

/** What a command did with a file, beside its status. */
interface Settled extends Pick<FileOutcome, 'status'> {
  readonly did?: string;
}

/** How many outcomes there are of each status, and of each `did`, zeros included. */
export function countOutcomes(
  outcomes: readonly Settled[],
  dids: readonly string[] = [],
): Readonly<Record<string, number>> {
  const ofStatus = FILE_STATUSES.map(
    (word) => [STATUS_KEYS[word], outcomes.filter(({ status }) => status === word).length] as const,
  );
  const ofDid = dids.map(
    (word) => [word, outcomes.filter(({ did }) => did === word).length] as const,
  );
  return Object.fromEntries<number>([...ofStatus, ...ofDid]);
}

/** What each word means, where the word alone does not say it; in the order in which they are shown. */
export type Labels<Word extends string> = Readonly<Record<Word, string>>;

/** What was done with how many files, without zeros, in a line: `60 downloaded; 1 failed`. */
export function didCountsLine(labels: Labels<string>, outcomes: readonly Settled[]): string {
  return Object.entries(labels)
    .flatMap(([word, label]) => {
      const n = outcomes.filter(({ did }) => did === word).length;
      return n > 0 ? [`${formatCount(n)} ${label}`] : [];
    })
    .join('; ');
}

/** ` (shard 3/8)`, behind how many files there are; empty where all that was selected is meant. */
export function ofShard({ shard }: { readonly shard?: Shard | undefined }): string {
  return shard === undefined ? '' : ` (shard ${shardName(shard)})`;
}

/** How many files ended in each way, without zeros: `downloaded, verified`. */
export function renderCounts(
  outcomes: readonly Settled[],
  { dids = { '': '' }, notes = {} }: CountLabels,
  view: View,
): string {
  const rows = Object.entries(dids).flatMap(([did, label]) =>
    FILE_STATUSES.flatMap((status) => {
      const n = outcomes.filter(
        (each) => (each.did ?? '') === did && each.status === status,
      ).length;
      const words = [label, statusText(status)].filter(Boolean).join(', ');
      const note = notes[status] === undefined ? '' : `: ${notes[status]}`;
      return n === 0 ? [] : [[`${words}${note}`, formatCount(n)]];
    }),
  );
  return view.table(['', { right: 'files' }], rows);
}

interface CountLabels {
  /** By `did`; by '' where a command only looks. */
  readonly dids?: Labels<string>;
  /** What a status means for this command. */
  readonly notes?: Readonly<Partial<Record<FileStatus, string>>>;
}

/** Images that are as published, and broken: all of them, as users want to leave them out. */
export function renderBroken(outcomes: readonly BrokenOutcome[], view: View): string {
  const broken = outcomes.flatMap(({ brokenImages }) => brokenImages);
  if (broken.length === 0) return '';
  const head = `${count(broken.length, 'image')} published empty, cut or as something else`;
  return renderSome(
    head,
    broken.map(({ path, why }) => `${path}: ${why}`),
    view,
  );
}

/** A list of which the first are shown; with `-v` all. */
export function renderSome(head: string, all: readonly string[], view: View): string {
  const shown = view.verbose ? all : all.slice(0, MOST_SHOWN);
  const more = all.length - shown.length;
  return [
    `${head}:`,
    ...shown.map((each) => `- ${toPrintable(each)}`),
    ...(more > 0 ? [`  and ${count(more, 'other')} (-v shows them)`] : []),
    '',
  ].join('\n');
}

const MOST_SHOWN = 10;

/** Of files whose published MD5 is disputed and did not match. Never called verified. */
export function renderContentChecked(
  outcomes: readonly { readonly file: string; readonly check: string | null }[],
): string {
  const files = contentChecked(outcomes).join(', ');
  if (files === '') return '';
  return `checked by content alone, not by MD5 (the published one is disputed): ${files}\n`;
}

/** Parts with an empty line between them; empty parts are left out. */
export function joinParts(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

/** What an index holds, by class and by label, and what does not add up in it. */
export function renderIndex(index: IndexResult, view: View): string {
  const { path, rows, archives, rowsWithLabels } = index;
  const head = `${toPrintable(path, 4096)}: ${count(rows, 'row')}, ${count(archives.length, 'archive')}\n`;
  const classes = inOrder(index.classes, ['none']);
  // The class says COVID-19 already; No_Finding comes last.
  const labels = inOrder(index.labels, ['COVID-19', 'No_Finding']);
  const all = [...labels, ...inOrder({ No_Finding: index.labels.No_Finding })];
  const known = `labels known for ${formatCount(rowsWithLabels)} of ${count(rows, 'image')}`;
  const shown = [
    ...(classes.length > 0 ? [`images by class: ${classes.join(', ')}\n`] : []),
    ...(all.length > 0 ? [`images by label: ${all.join(', ')} (${known})\n`] : []),
  ];
  return joinParts([
    `${view.style.bold('index')}  ${head}`,
    view.prose(shown.join(''), '  '),
    renderDirectories(index, view),
    renderRemarks(index, view),
  ]);
}

/** Where the images of an index are, where that is in several dataset directories. */
function renderDirectories({ directories = [] }: IndexResult, view: View): string {
  if (directories.length === 0) return '';
  const rows = directories.map(({ path, archives, rows: images }) => [
    toPrintable(path, 4096),
    formatCount(archives),
    formatCount(images),
  ]);
  return view.table(['from', { right: 'archives' }, { right: 'rows' }], rows);
}

/** `Effusion 12`, the most frequent first, without zeros. */
function inOrder(
  counts: Readonly<Record<string, number>>,
  except: readonly string[] = [],
): readonly string[] {
  return Object.entries(counts)
    .filter(([name, images]) => images > 0 && !except.includes(name))
    .sort(([, a], [, b]) => b - a)
    .map(([name, images]) => `${name} ${formatCount(images)}`);
}

/** What does not add up, an item a kind. */
export function renderRemarks(
  index: Pick<IndexResult, 'remarks' | 'rowsOfAbsentArchives'>,
  view: View,
): string {
  const { style, suggest } = view;
  const { remarks, rowsOfAbsentArchives } = index;
  const lines = remarks.map((remark) => {
    const hint = suggest.hintOf({ next: nextOfRemark(remark) });
    const text = view.prose(
      `- ${describeRemark(remark)}${hint === undefined ? '' : `; ${hint}`}`,
      '  ',
    );
    return remark.strict ? style.yellow(text) : text;
  });
  if (rowsOfAbsentArchives > 0) {
    const others = count(rowsOfAbsentArchives, 'image that was', 'images that were');
    lines.push(`- the label files also name ${others} not fetched`);
  }
  return lines.map((line) => `${line}\n`).join('');
}
