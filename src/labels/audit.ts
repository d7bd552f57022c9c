import type { MembersRecord } from '../dataset/ledger.ts';
import { ImageAudit } from './audit-images.ts';
import {
  type Examples,
  LABEL_COLUMNS,
  type LabelColumn,
  isContradictory,
  noLabels,
} from './label-names.ts';
import {
  type ArchiveFacts,
  type ArchiveImages,
  type ChestLabels,
  type CovidLabels,
  type ImageClass,
  type IndexRow,
  type LabelFacts,
  type LabelsHere,
  groupOf,
  placeOf,
  toImageKey,
} from './join.ts';
import { MatchCounter } from './match-counter.ts';
import { type Remark, type RemarkKind, Remarks } from './remarks.ts';
import type { ImagesHere } from './scan.ts';

interface AuditInput {
  /** Every archive of the manifest. */
  readonly archives: readonly ArchiveFacts[];
  readonly labels: LabelsHere;
  /** Stems of the selected archives: label rows of others don't count. Default: all. */
  readonly asked?: ReadonlySet<string> | undefined;
}

/** What an index holds, and what does not add up between its images and labels. */
export interface IndexReport {
  /** Rows of the index: one an image. */
  readonly rows: number;
  /** Archives whose images are here, in the order of the index. */
  readonly archives: readonly {
    /** Manifest name. */
    readonly file: string;
    /** Subsets that it belongs to. */
    readonly subsets: readonly string[];
    /** Its images that are here. */
    readonly images: number;
    /**
     * Whether the ledger knows the archive's members, so that other images of its folder have no row. Where
     * it does not, each of them has one.
     */
    readonly membersKnown: boolean;
  }[];
  /** Images of each class; `none`: ChestDx, ChestDx-PE, and viral images without a tag. */
  readonly classes: Readonly<Record<ImageClass | 'none', number>>;
  /** Images whose labels are known: the 14 labels of chest_dx.csv, and No_Finding. */
  readonly rowsWithLabels: number;
  /** Images that have each label: those whose column of index.csv is 1. */
  readonly labels: Readonly<Record<LabelColumn | 'COVID-19', number>>;
  /** What does not add up between images and labels. */
  readonly remarks: readonly Remark[];
  /**
   * Label rows whose archives are not here, or single images of them alone: they were not fetched, that is
   * no remark. Of a selection: rows of its archives alone.
   */
  readonly rowsOfAbsentArchives: number;
}

/** Follows a join, archive by archive; counts, and says at the end what did not add up. No I/O. */
export class JoinAudit {
  readonly #input: AuditInput;
  /** Stems of all archives of the manifest. */
  readonly #known: ReadonlySet<string>;
  readonly #remarks = new Remarks();
  readonly #images = new ImageAudit(this.#remarks);
  readonly #here = new Set<string>();
  /** Of these, the ones of which single images alone are here. */
  readonly #single = new Set<string>();
  readonly #covidImages = new Set<string>();
  readonly #matches: MatchCounter;
  readonly #archives: IndexReport['archives'][number][] = [];
  readonly #classes = { Normal: 0, Viral: 0, 'COVID-19': 0, Other: 0, none: 0 };
  readonly #labels = noLabels();
  #rows = 0;
  #rowsWithLabels = 0;
  #absentRows = 0;

  constructor(input: AuditInput) {
    this.#input = input;
    this.#known = new Set(input.archives.map(({ stem }) => stem));
    this.#matches = new MatchCounter(input.labels.tables);
  }

  /**
   * @param rows what joinArchive made of this archive
   * @param record of its members; undefined: nothing is known of them
   */
  add(archive: ArchiveImages, rows: readonly IndexRow[], record?: MembersRecord): void {
    this.#here.add(archive.stem);
    if (archive.areSingle) this.#single.add(archive.stem);
    const { file, subsets, membersKnown } = archive;
    this.#archives.push({ file, subsets, images: rows.length, membersKnown });
    this.#rows += rows.length;
    this.#noteFiles(archive);
    const due = this.#dueFiles(archive);
    this.#matches.add(due, rows);
    this.#images.add(archive, rows, record);
    for (const row of rows) {
      this.#classes[row.class ?? 'none'] += 1;
      this.#addLabels(row);
      if (due.length > 0 && row.labels === null && row.covid === null) this.#noRow(row, due);
    }
    this.#chestRowsWithoutImage(archive, rows);
    if (groupOf(archive.subsets) === 'Viral') {
      for (const row of rows) this.#covidImages.add(toImageKey(row.image));
    }
  }

  /** What lies beside the folders of archives. */
  noteBeside({ strays, unknownFolders }: Omit<ImagesHere, 'archives'>): void {
    for (const stray of strays) this.note('stray-file', stray);
    for (const folder of unknownFolders) this.note('unknown-folder', folder);
  }

  /** Something that was met elsewhere. */
  note(kind: RemarkKind, example: string, file?: string): void {
    this.#remarks.note(kind, example, file);
  }

  noteAll(kind: RemarkKind, examples: Examples): void {
    this.#remarks.noteAll(kind, examples);
  }

  #noteFiles({ stem, strays, unexpected, damaged, broken }: ArchiveImages): void {
    for (const path of strays) this.note('stray-file', `${stem}/${path}`);
    for (const path of unexpected) this.note('unexpected-image', `${stem}/${path}`);
    for (const { path } of damaged) this.note('damaged-member', `${stem}/${path}`);
    for (const { path, why } of broken) this.note('broken-image', `${stem}/${path}: ${why}`);
  }

  /** After the last archive. */
  finish(): IndexReport {
    this.#restOfTables();
    const mismatches = this.#matches.finish(this.#here, this.#known);
    const remarks = this.#remarks.finish(
      mismatches.map(({ file, images, rowExamples }) => ({
        kind: 'no-match',
        file,
        ...images,
        rowExamples,
        strict: true,
      })),
    );
    return {
      rows: this.#rows,
      archives: this.#archives,
      classes: this.#classes,
      rowsWithLabels: this.#rowsWithLabels,
      labels: this.#labels,
      remarks,
      rowsOfAbsentArchives: this.#absentRows,
    };
  }

  /** The label files that should speak of an archive's images. Normal and Other images have none. */
  #dueFiles(archive: ArchiveFacts): readonly LabelFacts[] {
    const group = groupOf(archive.subsets);
    if (group === 'Viral') return this.#input.labels.files.filter(({ form }) => form === 'covid');
    if (group !== null) return [];
    const { files, tables } = this.#input.labels;
    const naming = tables.chest.filter(({ byArchive }) => byArchive.has(archive.stem));
    const isDue = ({ file, subsets }: LabelFacts) =>
      subsets.some((subset) => archive.subsets.includes(subset)) ||
      naming.some((table) => table.file === file);
    return files.filter((file) => file.form === 'chest' && isDue(file));
  }

  /** A file that is not here is one remark, not one an image. */
  #noRow(row: IndexRow, due: readonly LabelFacts[]): void {
    const absent = due.find(({ present }) => !present);
    const place = placeOf(row);
    if (absent !== undefined) {
      this.note('no-label-file', place, absent.file);
      return;
    }
    const other = this.#otherArchive(row);
    if (other === undefined) this.note('image-without-row', place, due[0]?.file);
    else this.note('image-in-other-archive', `${place}: ${other.stem}`, other.file);
  }

  /** Where a row has the image, if not in its own archive. */
  #otherArchive({ image, archive }: IndexRow) {
    const key = toImageKey(image);
    for (const { file, byArchive } of this.#input.labels.tables.chest) {
      for (const [stem, images] of byArchive) {
        if (stem !== archive && images.has(key)) return { file, stem };
      }
    }
    return undefined;
  }

  #addLabels(row: IndexRow): void {
    const { labels, covid } = row;
    if (covid === true) this.#labels['COVID-19'] += 1;
    if (labels === null) return;
    if (isContradictory(labels)) this.note('contradictory-row', placeOf(row));
    if (labels === 0) this.note('row-without-any', placeOf(row));
    this.#rowsWithLabels += 1;
    for (const [bit, column] of LABEL_COLUMNS.entries()) {
      if ((labels & (1 << bit)) !== 0) this.#labels[column] += 1;
    }
  }

  #chestRowsWithoutImage(archive: ArchiveFacts, rows: readonly IndexRow[]): void {
    for (const table of this.#input.labels.tables.chest) {
      const labelled = table.byArchive.get(archive.stem);
      if (labelled === undefined) continue;
      const images = new Set(rows.map(({ image }) => toImageKey(image)));
      for (const image of labelled.keys()) {
        if (images.has(image)) continue;
        if (this.#single.has(archive.stem)) this.#absentRows += 1;
        else {
          this.note('row-without-image', `${archive.stem}/${image}`, table.file);
        }
      }
    }
  }

  #restOfTables(): void {
    const { archives, labels, asked } = this.#input;
    for (const table of labels.tables.chest) {
      const stems = [...table.byArchive.keys()];
      const wanted = stems.filter((stem) => this.#isAsked(stem));
      if (asked === undefined || wanted.length > 0) this.#oddities(table);
      if (asked === undefined && !stems.some((stem) => this.#known.has(stem))) {
        this.#unplaced(table, stems);
      } else {
        for (const stem of wanted) this.#absentArchive(stem, table);
      }
    }
    const viral = archives.filter(({ subsets }) => groupOf(subsets) === 'Viral');
    for (const table of labels.tables.covid) {
      if (asked === undefined || viral.some(({ stem }) => this.#isAsked(stem))) {
        this.#oddities(table);
        this.#covidRowsWithoutImage(table, viral);
      }
    }
  }

  #absentArchive(stem: string, { file, byArchive }: ChestLabels): void {
    if (this.#here.has(stem)) return;
    const rows = byArchive.get(stem)?.size ?? 0;
    if (this.#known.has(stem)) this.#absentRows += rows;
    else this.#remarks.noteAll('unknown-archive', { count: rows, examples: [stem] }, file);
  }

  #isAsked(stem: string): boolean {
    return this.#input.asked?.has(stem) ?? true;
  }

  /** What is odd about a label file as such. */
  #oddities(table: ChestLabels | CovidLabels): void {
    this.#remarks.noteAll('repeated-row', table.repeated, table.file);
    if (table.badCells !== undefined)
      this.#remarks.noteAll('not-a-value', table.badCells, table.file);
    for (const column of table.extraColumns) this.note('unused-column', column, table.file);
  }

  /** Not one row has an archive in the manifest: its labels would be missing without a word. */
  #unplaced({ file, rows }: ChestLabels | CovidLabels, examples: readonly string[]): void {
    this.#remarks.noteAll('unplaced-rows', { count: rows, examples }, file);
  }

  /** A COVID-19 row names no archive: it lacks its image only where every viral archive is here. */
  #covidRowsWithoutImage(table: CovidLabels, viral: readonly ArchiveFacts[]): void {
    if (viral.length === 0) this.#unplaced(table, [...table.byImage.keys()]);
    // Nor is it known to be of a selected archive, unless all are selected.
    if (viral.length === 0 || !viral.every(({ stem }) => this.#isAsked(stem))) return;
    const complete = viral.every(({ stem }) => this.#here.has(stem) && !this.#single.has(stem));
    for (const image of table.byImage.keys()) {
      if (this.#covidImages.has(image)) continue;
      if (complete) this.note('row-without-image', image, table.file);
      else this.#absentRows += 1;
    }
  }
}
