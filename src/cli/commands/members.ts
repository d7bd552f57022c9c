import { listMembers } from '../../members/list-members.ts';
import type { ArchiveMembers, MembersFrom, MembersResult } from '../../members/types.ts';
import { stemOf } from '../../manifest/manifest.ts';
import { count, formatBytes, formatCount, formatDuration, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  errorsOf,
  remarkErrors,
  runOptionsOf,
  sourceOptionsOf,
} from '../command.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runMembers(context: CommandContext): Promise<CommandOutcome> {
  const { dryRun, wait, list, concurrency, connections, retries, limitRate } = context.settings;
  const result = await listMembers({
    ...(await runOptionsOf(context)),
    ...sourceOptionsOf(context),
    ...{ dryRun, wait, list, concurrency, connections, retries },
    limitRateBytesPerSecond: limitRate,
  });
  const { archives } = result;
  return {
    result,
    counts: {
      archives: archives.length,
      listed: archives.filter(({ from }) => from !== null).length,
      members: sumOf(archives, ({ members }) => members),
      images: sumOf(archives, ({ images }) => images),
    },
    errors: [...errorsOf(archives), ...remarkErrors(context, result.remarks)],
    render: (view) => renderMembers(result, view),
    isStatusOnly: false,
  };
}

function sumOf(
  archives: readonly ArchiveMembers[],
  of: (archive: ArchiveMembers) => number | null,
): number {
  return archives.reduce((sum, archive) => sum + (of(archive) ?? 0), 0);
}

const FROM: Readonly<Record<MembersFrom, string>> = {
  index: 'kept index',
  archive: 'the archive here',
  directory: 'a local directory',
  server: 'ranges of it',
};

function renderMembers(result: MembersResult, view: View): string {
  const { archives, remarks, bytesDownloaded, elapsedMs, dryRun } = result;
  const listed = archives.filter(({ from }) => from !== null);
  const hasRemarks = remarks.length > 0;
  const columns = ['archive', ...numbers('members', 'images', 'unpacked'), 'known from'];
  const labels = hasRemarks ? numbers('no row', 'no image') : [];
  const rows = listed.map((archive) => [
    archive.file,
    ...[archive.members, archive.images].map((each) => formatCount(each ?? 0)),
    formatBytes(archive.imageBytes ?? 0),
    archive.from === null ? '' : FROM[archive.from],
    ...(hasRemarks ? [archive.imagesWithoutRow, archive.rowsWithoutImage].map(toCell) : []),
  ]);
  const [images, bytes] = [
    sumOf(listed, (each) => each.images),
    sumOf(listed, (each) => each.imageBytes),
  ];
  const of = listed.length < archives.length ? ` of ${formatCount(archives.length)}` : '';
  const where = `${formatCount(listed.length)}${of} ${archives.length === 1 ? 'archive' : 'archives'}`;
  const cost = bytesDownloaded > 0 ? `, ${formatBytes(bytesDownloaded)} downloaded` : '';
  const took = `in ${formatDuration(elapsedMs)}`;
  return joinParts([
    renderList(listed),
    rows.length === 0 ? '' : view.table([...columns, ...labels], rows),
    `${count(images, 'image')} in ${where}, ${formatBytes(bytes)} unpacked${cost} ${took}\n`,
    dryRun ? 'nothing was written\n' : '',
  ]);
}

/** A member a line: its place in images/, and its bytes. */
function renderList(archives: readonly ArchiveMembers[]): string {
  return archives
    .flatMap(({ file, list = [] }) =>
      list.map(({ path, bytes }) => `${stemOf(file)}/${toPrintable(path, 4096)}\t${bytes}\n`),
    )
    .join('');
}

function numbers(...titles: readonly string[]) {
  return titles.map((right) => ({ right }));
}

function toCell(value: number | null): string {
  return value === null ? '' : formatCount(value);
}
