import { stemOf } from '../../manifest/manifest.ts';
import { queryImages } from '../../query/query-images.ts';
import { renderImagesCsv } from '../../query/render-csv.ts';
import type { ImageCounts, QueryResult } from '../../query/types.ts';
import { count, formatBytes, formatCount, toPrintable } from '../../text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  runOptionsOf,
  sourceOptionsOf,
  strictErrors,
  typedChoiceOf,
  unknownErrors,
} from '../command.ts';
import { renderChoiceNotes, unknownOf } from '../render-images.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runQuery(context: CommandContext): Promise<CommandOutcome> {
  const { list, csv } = context.settings;
  const result = await queryImages({
    ...(await runOptionsOf(context)),
    ...sourceOptionsOf(context),
    choice: typedChoiceOf(context),
    list: list || csv,
  });
  const { images, patients, controls, archives, remarks } = result;
  const unknown = unknownOf(result);
  return {
    result,
    counts: { images, patients, controls, archives: archives.length, unknown: unknown.length },
    errors: [...strictErrors(context, [], { remarks }), ...unknownErrors(unknown, context)],
    render: (view) => {
      if (csv) return renderImagesCsv(result.list ?? []);
      return list ? renderList(result) : renderQuery(result, view);
    },
    isStatusOnly: false,
  };
}

/** As `--images` takes them. */
function renderList({ list = [] }: QueryResult): string {
  return list.map(({ file, image }) => `${stemOf(file)}/${toPrintable(image, 1000)}\n`).join('');
}

function renderQuery(result: QueryResult, view: View): string {
  return joinParts([
    renderHead(result),
    renderTables(result, view),
    renderChoiceNotes(result, view),
  ]);
}

function renderHead(result: QueryResult): string {
  const { archives, fitting, images, controls, bytes, requests } = result;
  const of = fitting > images ? ` (of ${formatCount(fitting)} that fit)` : '';
  const normals = controls > 0 ? `, and ${count(controls, 'control')}` : '';
  const where = `in ${count(archives.length, 'archive')}`;
  const cost =
    bytes === null || requests === null
      ? ''
      : `\nto fetch: ${formatBytes(bytes)} in ${count(requests, 'request')}`;
  return `${count(images, 'image')}${of} of ${count(result.patients, 'patient')}${normals} ${where}${cost}\n`;
}

function renderTables({ labels, subsets, archives }: QueryResult, view: View): string {
  const number = (right: string) => ({ right });
  const hasControls = archives.some(({ controls }) => controls > 0);
  const columns = ['images', 'patients', ...(hasControls ? ['controls'] : [])].map(number);
  const cells = ({ images, patients, controls }: ImageCounts) =>
    (hasControls ? [images, patients, controls] : [images, patients]).map(formatCount);
  const isLimited = labels.some(({ images, fitting }) => images < fitting);
  const hasCost = archives.some(({ bytes }) => bytes !== null);
  return joinParts([
    view.table(
      ['label', number('images'), ...(isLimited ? [number('fitting')] : [])],
      labels.map(({ label, images, fitting }) => [
        label,
        ...(isLimited ? [images, fitting] : [images]).map(formatCount),
      ]),
    ),
    view.table(
      ['subset', ...columns],
      subsets.map((row) => [row.subset, ...cells(row)]),
    ),
    view.table(
      ['archive', ...columns, ...(hasCost ? [number('to fetch')] : [])],
      archives.map(({ file, bytes, ...row }) => [
        stemOf(file),
        ...cells(row),
        ...(hasCost ? [bytes === null ? '' : formatBytes(bytes)] : []),
      ]),
    ),
  ]);
}
