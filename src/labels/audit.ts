import {
  ExampleCounter,
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

export const REMARK_KINDS = [
  'no-match',
  'no-label-file',
  'image-without-row',
  'row-without-image',
  'unplaced-rows',
  'unknown-archive',
  'unexpected-image',
  'damaged-member',
  'broken-image',
  'contradictory-row',
  'patient-in-two-archives',
  'repeated-row',
  'unused-column',
  'stray-file',
  'unknown-folder',
] as const;

/**
 * `no-match`: images whose label file is here, and has not one row that is of any of them: its names
 * are other ones; `no-label-file`: images whose label file is not here; `image-without-row`: images that their label
 * file does not have; `row-without-image`: rows whose archive is here without the image;
 * `unplaced-rows`: all rows of a label file, where none is of an archive of the manifest;
 * `unknown-archive`: rows of a label file that name an archive which the manifest does not have, while
 * others name one that it has; `unexpected-image`: images in an archive's folder that the archive does not
 * have, as the ledger knows its members: they have no row; `damaged-member`: members that are damaged in
 * their archive, and have no image and no row; `broken-image`: images that are as published, and empty, cut or no image; `contradictory-row`: No_Finding together with another label; `patient-in-two-archives`; `repeated-row`: a
 * row that repeats an earlier one; `unused-column`: a column of a label file that is not read;
 * `stray-file`: a file under images/ that is no image; `unknown-folder`: a folder under images/ that is
 * of no archive of the manifest.
 */
export type RemarkKind = (typeof REMARK_KINDS)[number];

/** Something that does not add up between images and labels. */
export interface Remark extends Examples {
  readonly kind: RemarkKind;
  /** The label file concerned. Absent where none is. */
  readonly file?: string | undefined;
  /** Of `no-match`: the first rows of the label file. Absent in all other remarks. */
  readonly rowExamples?: readonly string[] | undefined;
  /**
   * true: labels are missing or in doubt, `--strict` makes it code 8. false: worth knowing, but also
   * met in the published release as it should be (its stray file, say).
   */
  readonly strict: boolean;
}

const STRICT: ReadonlySet<RemarkKind> = new Set<RemarkKind>([
  'no-match',
  'no-label-file',
  'image-without-row',
  'row-without-image',
  'unplaced-rows',
  'unexpected-image',
  'damaged-member',
  'broken-image',
  'contradictory-row',
]);

interface Counter {
  readonly kind: RemarkKind;
  readonly file: string | undefined;
  readonly of: ExampleCounter;
}

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
  readonly #counters = new Map<string, Counter>();
  readonly #here = new Set<string>();
  /** Of these, the ones of which single images alone are here. */
  readonly #single = new Set<string>();
  /** Patient to the first archive they were met in. */
  readonly #patients = new Map<string, string>();
  readonly #sharedPatients = new Set<string>();
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

  /** @param rows what joinArchive made of this archive */
  add(archive: ArchiveImages, rows: readonly IndexRow[]): void {
    this.#here.add(archive.stem);
    if (archive.areSingle) this.#single.add(archive.stem);
    const { file, subsets, membersKnown } = archive;
    this.#archives.push({ file, subsets, images: rows.length, membersKnown });
    this.#rows += rows.length;
    this.#noteFiles(archive);
    const due = this.#dueFiles(archive);
    this.#matches.add(due, rows);
    for (const row of rows) {
      this.#classes[row.class ?? 'none'] += 1;
      this.#addLabels(row);
      this.#addPatient(row);
      if (row.labels !== null && isContradictory(row.labels)) {
        this.note('contradictory-row', placeOf(row));
      }
      if (due.length > 0 && row.labels === null && row.covid === null) this.#noRow(row, due);
    }
    this.#chestRowsWithoutImage(archive, rows);
    if (groupOf(archive.subsets) === 'Viral') {
      for (const row of rows) this.#covidImages.add(toImageKey(row.image));
    }
  }

  /** Something met outside the archives: a stray file, an unknown folder. */
  note(kind: RemarkKind, example: string, file?: string): void {
    this.#counterOf(kind, file).add(example);
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
    const remarks: Remark[] = [...this.#counters.values()].map(({ kind, file, of }) => ({
      kind,
      ...(file === undefined ? {} : { file }),
      ...of.examples(),
      strict: STRICT.has(kind),
    }));
    for (const { file, images, rowExamples } of this.#matches.finish(this.#here, this.#known)) {
      remarks.push({ kind: 'no-match', file, ...images, rowExamples, strict: true });
    }
    remarks.sort((a, b) => REMARK_KINDS.indexOf(a.kind) - REMARK_KINDS.indexOf(b.kind));
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

  #counterOf(kind: RemarkKind, file: string | undefined): ExampleCounter {
    const key = `${kind}\n${file ?? ''}`;
    const counter = this.#counters.get(key) ?? { kind, file, of: new ExampleCounter() };
    this.#counters.set(key, counter);
    return counter.of;
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
    if (absent === undefined) this.note('image-without-row', placeOf(row), due[0]?.file);
    else this.note('no-label-file', placeOf(row), absent.file);
  }

  #addLabels({ labels, covid }: IndexRow): void {
    if (covid === true) this.#labels['COVID-19'] += 1;
    if (labels === null) return;
    this.#rowsWithLabels += 1;
    for (const [bit, column] of LABEL_COLUMNS.entries()) {
      if ((labels & (1 << bit)) !== 0) this.#labels[column] += 1;
    }
  }

  #addPatient(row: IndexRow): void {
    if (row.patientId === '') return;
    const first = this.#patients.get(row.patientId);
    if (first === undefined) this.#patients.set(row.patientId, row.archive);
    else if (first !== row.archive && !this.#sharedPatients.has(row.patientId)) {
      this.#sharedPatients.add(row.patientId);
      this.note('patient-in-two-archives', `${row.patientId} in ${first} and ${row.archive}`);
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
    else this.#counterOf('unknown-archive', file).addAll({ count: rows, examples: [stem] });
  }

  #isAsked(stem: string): boolean {
    return this.#input.asked?.has(stem) ?? true;
  }

  /** What is odd about a label file as such. */
  #oddities(table: ChestLabels | CovidLabels): void {
    if (table.repeated.count > 0)
      this.#counterOf('repeated-row', table.file).addAll(table.repeated);
    for (const column of table.extraColumns) this.note('unused-column', column, table.file);
  }

  /** Not one row has an archive in the manifest: its labels would be missing without a word. */
  #unplaced({ file, rows }: ChestLabels | CovidLabels, examples: readonly string[]): void {
    if (rows > 0) this.#counterOf('unplaced-rows', file).addAll({ count: rows, examples });
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
