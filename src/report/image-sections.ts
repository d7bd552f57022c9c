import type { ImageCheck } from '../labels/join.ts';
import type { Remark } from '../labels/remarks.ts';
import { count, formatBytes, formatCount } from '../text.ts';
import { barChart, pointChart } from './charts.ts';
import { renderFigure } from './figure.ts';
import { type Html, markup } from './html.ts';
import type { ReportData, Section } from './section.ts';
import { type Cell, type NumberCell, renderTable, shareCell } from './table.ts';

const CHECKS: Readonly<Record<ImageCheck, string>> = {
  verified: 'by the MD5 of the archive',
  'content-checked': 'by its members (disputed MD5)',
  'crc-checked': 'by its own CRC-32',
  named: 'not checked',
  resized: 'written smaller (out of a checked one)',
};
const CHECK_KEYS = ['verified', 'content-checked', 'crc-checked', 'named', 'resized'] as const;

/** What is here, and how well it is checked. */
export function renderHere({ manifest, stats, bytes, audit }: ReportData): Section {
  const archives = manifest.files.filter(({ kind }) => kind === 'archive').length;
  const all = bytes.all.finish();
  const tiles = [
    tile('Images', formatCount(stats.images), all.bytes > 0 ? formatBytes(all.bytes) : ''),
    tile('Patients', formatCount(stats.patients), ''),
    tile('Archives', formatCount(stats.archives), `of ${formatCount(archives)} of the release`),
    tile('Labels known', formatCount(audit.rowsWithLabels), 'images with a row in chest_dx.csv'),
    tile('Remarks', formatCount(audit.remarks.length), describeStrict(audit.remarks)),
  ];
  const body = markup`<dl class="tiles">${tiles}</dl>
    ${renderChecks({ manifest, stats })} ${renderClasses({ stats })}`;
  return { id: 'here', title: 'What is here', body };
}

function describeStrict(remarks: readonly Remark[]): string {
  if (remarks.length === 0) return 'everything adds up';
  const strict = remarks.filter((remark) => remark.strict).length;
  return `labels or images in doubt: ${formatCount(strict)}`;
}

function tile(name: string, value: string, note: string): Html {
  const small = note === '' ? '' : markup`<small>${note}</small>`;
  return markup`<div>
    <dt>${name}</dt>
    <dd>${value}${small}</dd>
  </div> `;
}

function renderChecks({ manifest, stats }: Pick<ReportData, 'manifest' | 'stats'>): Html {
  const { subsets } = stats;
  const shown = CHECK_KEYS.filter((key) => stats.checks[key] > 0);
  const archivesOf = (name: string) =>
    manifest.files.filter(({ kind, subsets: of }) => kind === 'archive' && of.includes(name))
      .length;
  return renderFigure({
    id: 'checks',
    title: 'Images by subset, and how they were checked',
    chart: barChart({
      names: subsets.map(({ subset }) => subset),
      isStacked: true,
      series: shown.map((key) => ({
        name: CHECKS[key],
        values: subsets.map(({ checks }) => checks[key]),
      })),
    }),
    table: {
      caption: 'Subsets',
      columns: ['subset', 'images', 'patients', 'archives', ...shown.map((key) => CHECKS[key])],
      rows: subsets.map(({ subset, images, patients, archives, checks }) => [
        ...[subset, images, patients],
        {
          text: `${formatCount(archives)} of ${formatCount(archivesOf(subset))}`,
          value: archives,
        },
        ...shown.map((key) => checks[key]),
      ]),
    },
  });
}

function renderClasses({ stats }: Pick<ReportData, 'stats'>): Html {
  const { none, ...classes } = stats.classes;
  const all = Object.values(classes).reduce((sum, images) => sum + images, 0);
  if (all === 0) return markup``;
  const rows = Object.entries(classes).map(([name, images]): Cell[] => {
    return [name, images, shareCell(images, all)];
  });
  const note =
    none === 0 ? '' : markup`<p class="note">${count(none, 'image')} without a class.</p>`;
  return markup`${renderTable({ caption: 'Classes of CC-CXRI-P', columns: ['class', 'images', 'share'], rows })}
  ${note}`;
}

/** Numbers of images that have a bar of their own; the rest is one. */
const SHOWN = 12;

/** How many images patients have. */
export function renderPatients({ stats }: ReportData): Section {
  const { imagesPerPatient, images, patients } = stats;
  const steps = imagesPerPatient.filter((each) => each.images <= SHOWN);
  const many = imagesPerPatient.filter((each) => each.images > SHOWN);
  const sum = many.reduce((total, each) => total + each.patients, 0);
  const bars = [
    ...steps.map((each) => ({ name: String(each.images), patients: each.patients })),
    ...(sum === 0 ? [] : [{ name: `${SHOWN + 1}+`, patients: sum }]),
  ];
  const mean = patients === 0 ? 0 : images / patients;
  const body = renderFigure({
    id: 'perpatient',
    title: 'Patients by how many images they have',
    note: `On average ${mean.toFixed(1)}: images of one patient are alike, and belong into one part of a split.`,
    chart: barChart({
      names: bars.map(({ name }) => name),
      series: [{ name: 'patients', values: bars.map((each) => each.patients) }],
      isUpright: true,
      nameOfScale: 'images',
    }),
    table: {
      caption: 'Patients, and their share',
      columns: ['images', 'patients', 'share'],
      rows: imagesPerPatient.map((each) => {
        return [each.images, each.patients, shareCell(each.patients, patients)];
      }),
    },
  });
  return { id: 'patients', title: 'Images a patient', body };
}

/** Steps of the chart of sizes. */
const STEPS = 24;

/** How large images are: their files, and some of them in pixels. */
export function renderSizes(data: ReportData): readonly Section[] {
  const { bytes } = data;
  const all = bytes.all.finish();
  if (all.images === 0) return [];
  const steps = bytes.all.steps(STEPS);
  const rows = [['all', bytes.all] as const, ...bytes.bySubset].map(([name, sizes]): Cell[] => {
    const { images, bytes: sum, smallest, median, largest } = sizes.finish();
    return [name, images, ...[sum, smallest, median, largest].map(bytesCell)];
  });
  const body = markup`${renderFigure({
    id: 'bytes',
    title: 'Sizes of image files',
    chart: barChart({
      names: steps.map(({ fromKb }) => formatCount(fromKb)),
      series: [{ name: 'images', values: steps.map(({ images }) => images) }],
      isUpright: true,
      nameOfScale: 'KB, from',
    }),
    table: {
      caption: 'Images by the size of their file',
      columns: ['KB, from', 'to below', 'images'],
      rows: steps.map(({ fromKb, toKb, images }) => [fromKb, toKb, images]),
    },
  })}
  ${renderTable({
    caption: 'Sizes of image files, by subset',
    columns: ['subset', 'images', 'all together', 'smallest', 'median', 'largest'],
    rows,
  })}
${renderPixels(data)}`;
  return [{ id: 'sizes', title: 'Image sizes', body }];
}

function bytesCell(bytes: number): NumberCell {
  return { text: formatBytes(bytes), value: bytes };
}

/** Width and height of the images that were picked. */
function renderPixels({ stats, picked, looks }: ReportData): Html {
  if (looks === undefined) {
    return markup`<p class="note">With the package sharp installed, sizes in pixels are shown, too.</p>`;
  }
  // In the order of all other tables and charts.
  const bySubset = new Map<string, [number, number][]>();
  for (const { subset } of stats.subsets) bySubset.set(subset, []);
  for (const { row } of picked.ofAll) {
    const look = looks.seen.get(row.path);
    if (look !== undefined) bySubset.get(row.subset)?.push([look.width, look.height]);
  }
  const groups = [...bySubset].filter(([, points]) => points.length > 0);
  if (groups.length === 0) return markup``;
  return renderFigure({
    id: 'pixels',
    title: 'Width and height in pixels',
    note: 'Of images picked as by chance, each of another patient.',
    chart: pointChart(
      ['width', 'height'],
      groups.map(([name, points]) => ({ name, points })),
    ),
    table: {
      caption: 'Width and height of these images',
      columns: ['subset', 'images', ...namesOf('width'), ...namesOf('height')],
      rows: groups.map(([subset, points]) => [
        ...[subset, points.length],
        ...rangeOf(points.map(([width]) => width)),
        ...rangeOf(points.map(([, height]) => height)),
      ]),
    },
  });
}

function namesOf(what: string): readonly string[] {
  return ['smallest', 'median', 'largest'].map((which) => `${which} ${what}`);
}

function rangeOf(values: readonly number[]): readonly number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return [0, Math.floor(sorted.length / 2), sorted.length - 1].map((at) => sorted[at] ?? 0);
}
