import { adoptDataset } from '../../adopt/adopt-dataset.ts';
import type {
  AdoptDid,
  AdoptResult,
  AdoptedFile,
  AdoptedImages,
  LeftFiles,
  LeftWhy,
} from '../../adopt/types.ts';
import { CcxriError } from '../../errors.ts';
import { statusText } from '../../file-status.ts';
import { count, formatBytes, formatCount, formatDuration, toPrintable } from '../../text.ts';
import { type CommandContext, type CommandOutcome, errorsOf, runOptionsOf } from '../command.ts';
import { expandHome } from '../options-resolve.ts';
import { joinParts } from '../render-outcomes.ts';
import type { View } from '../view.ts';

export async function runAdopt(context: CommandContext): Promise<CommandOutcome> {
  const { dryRun, wait, link } = context.settings;
  const paths = context.args.map((path) => expandHome(path, context.env));
  if (paths.length === 0) {
    const next = [{ kind: 'run', command: 'adopt', argument: 'PATH' }] as const;
    throw new CcxriError('usage', 'say which directories or zips to look through', { next });
  }
  const result = await adoptDataset({
    ...(await runOptionsOf(context)),
    ...{ paths, link, dryRun, wait },
  });
  const { files, images, left, errors } = result;
  return {
    result,
    counts: countsOf(result),
    errors: [...errors, ...errorsOf(files), ...errorsOf(images)],
    render: (view) =>
      joinParts([
        renderHead(result, view),
        renderFiles(files, view),
        renderImages(images, view),
        renderLeft(left, view),
        renderNext(result, view),
      ]),
    isStatusOnly: !dryRun,
  };
}

function countsOf({ files, images, left }: AdoptResult) {
  const filesThat = (is: AdoptDid) => files.filter(({ did }) => did === is).length;
  const sum = (of: (each: AdoptedImages) => number) =>
    images.reduce((all, each) => all + of(each), 0);
  return {
    files: files.length,
    adopted: filesThat('adopted'),
    planned: filesThat('planned'),
    here: filesThat('here'),
    failed: filesThat('failed'),
    imagesCrcChecked: sum(({ crcChecked }) => crcChecked),
    imagesNamed: sum(({ named }) => named),
    imagesHere: sum(({ here }) => here),
    left: left.reduce((all, group) => all + group.count, 0),
  };
}

function renderHead(result: AdoptResult, view: View): string {
  const { dest, filesSeen, filesHashed, bytesHashed, elapsedMs } = result;
  const { files, images, errors } = result;
  const isGood = errors.length + errorsOf(files).length + errorsOf(images).length === 0;
  const seen = `${count(filesSeen, 'file')} looked at`;
  const hashed =
    filesHashed > 0
      ? `, ${formatCount(filesHashed)} of a plausible size hashed (${formatBytes(bytesHashed)})`
      : '';
  const word = isGood ? view.style.green('done') : view.style.red('not all of it');
  const time = formatDuration(elapsedMs);
  return view.prose(
    `${word}: ${seen}${hashed} in ${time}; into ${toPrintable(dest, 4096)}\n`,
    '  ',
  );
}

const DIDS: Readonly<Record<AdoptDid, string>> = {
  adopted: 'adopted',
  here: 'here already',
  planned: 'would be adopted',
  failed: 'failed',
};

function renderFiles(files: readonly AdoptedFile[], view: View): string {
  if (files.length === 0) return '';
  return view.table(
    ['file', { right: 'size' }, '', 'checked', 'found as'],
    files.map(({ file, bytes, did, how, status, from }) => [
      file,
      formatBytes(bytes),
      how ?? DIDS[did],
      did === 'planned' ? 'MD5' : statusText(status),
      toPrintable(from, 200),
    ]),
  );
}

function renderImages(images: readonly AdoptedImages[], view: View): string {
  if (images.length === 0) return '';
  return view.table(
    [
      'images of',
      ...['by CRC-32', 'by name', 'here', 'left'].map((right) => ({ right })),
      'found in',
    ],
    images.map(({ file, crcChecked, named, here, left, from }) => [
      file,
      ...[crcChecked, named, here, left].map((n) => (n === 0 ? '' : formatCount(n))),
      toPrintable(`${from[0] ?? ''}${from.length > 1 ? ', …' : ''}`, 200),
    ]),
  );
}

const WHYS: Readonly<Record<LeftWhy, string>> = {
  differs: 'not what its archive has under this name',
  'not-in-archive': 'not an image of its archive',
  twice: 'of one name, with different content',
  'unknown-archive': 'which archive it is of is not known',
  contradiction: 'its folder and its labels name different archives',
  converted: 'converted: it is no .jpg as published',
  'in-the-way': 'something else is in its place',
  'wrong-content': 'has the name of a published file, and is another',
  'other-dataset': 'of another dataset',
  'not-published': 'of the size of a published file, and none of them',
  'not-needed': 'not needed',
  'not-selected': 'not selected',
  'no-image': 'a zip without an image of the dataset',
  damaged: 'damaged',
  unread: 'packed in a way that is not read',
  unsafe: 'unsafe, and not opened',
  unreadable: 'could not be read',
  loop: 'a link that leads back',
  'dataset-directory': 'the dataset directory itself, not looked into',
};

/** Of each reason. */
const EXAMPLES_SHOWN = 2;

function renderLeft(left: readonly LeftFiles[], view: View): string {
  if (left.length === 0) return '';
  const lines = left.flatMap(({ why, count: n, examples }) => {
    const shown = view.verbose ? examples : examples.slice(0, EXAMPLES_SHOWN);
    const more = n - shown.length;
    return [
      `- ${formatCount(n)} ${WHYS[why]}:`,
      ...shown.map(
        ({ path, message }) =>
          `    ${toPrintable(path, 200)}${message === null ? '' : `: ${toPrintable(message)}`}`,
      ),
      ...(more > 0 ? [`    and ${formatCount(more)} more`] : []),
    ];
  });
  return `left where they are:\n${lines.join('\n')}\n`;
}

function renderNext({ files, images, dryRun, dest, link }: AdoptResult, view: View): string {
  const { style, suggest } = view;
  if (files.length + images.length === 0) {
    return 'nothing of the dataset was found\n';
  }
  if (dryRun) return 'nothing was written; without -n it is done\n';
  const named = images.reduce((sum, each) => sum + each.named, 0);
  const byName =
    named > 0
      ? view.prose(
          `${count(named, 'image is', 'images are')} known by name alone: fetch the member index of their archives first (ccxri members), and adopt again, to check them\n`,
          '  ',
        )
      : '';
  const isArchive = files.some(({ file, did }) => did === 'adopted' && file.endsWith('.zip'));
  const command = suggest.command(isArchive ? 'extract' : 'join', { options: { dest } });
  const moved = link === 'move' ? 'what was moved is gone from where it was\n' : '';
  return `${byName}${moved}${style.bold('next:')} ${command}\n`;
}
