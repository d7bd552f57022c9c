import type { Remark } from './remarks.ts';
import type { Candidate, ImageChoice } from './image-choice.ts';
import {
  type ArchiveFacts,
  type LabelTables,
  covidOf,
  groupOf,
  labelsOf,
  patientOf,
  toImageKey,
} from './join.ts';

/** What images can be chosen from. */
export interface CandidateSource {
  /** The selected archives. */
  readonly archives: readonly ArchiveFacts[];
  readonly tables: LabelTables;
  /** Stem of an archive without rows of its own to the names of its images; see `archivesToList`. */
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** The images that a choice is made from: the rows of chest_dx.csv, and the images of listed archives. */
export function* candidatesOf(source: CandidateSource): Generator<Candidate, void, void> {
  const { archives, tables, members } = source;
  for (const { stem, subsets } of archives) {
    // Field by field: there are 162,000, and spreading what they share took a quarter of a query.
    const [archive, subset, group] = [stem, subsets[0] ?? '', groupOf(subsets)];
    const seen = new Set<string>();
    for (const { byArchive } of tables.chest) {
      for (const [image, bits] of byArchive.get(stem) ?? []) {
        if (tables.chest.length > 1 && seen.has(image)) continue;
        if (tables.chest.length > 1) seen.add(image);
        const patientId = patientOf(image);
        yield { archive, image, subset, group, patientId, bits, covid: null };
      }
    }
    if (hasRows(tables, stem)) continue;
    for (const name of members.get(stem) ?? []) {
      const image = toImageKey(name);
      if (seen.has(image)) continue;
      seen.add(image);
      const bits = labelsOf(tables, stem, image);
      const covid = group === 'Viral' ? covidOf(tables, image) : null;
      yield { archive, image, subset, group, patientId: patientOf(image), bits, covid };
    }
  }
}

function hasRows({ chest }: LabelTables, stem: string): boolean {
  return chest.some(({ byArchive }) => byArchive.has(stem));
}

/**
 * The archives whose images no row names, and which the choice can mean: their directories have to be
 * read before it can be made.
 */
export function archivesToList(
  choice: ImageChoice,
  { archives, tables }: Pick<CandidateSource, 'archives' | 'tables'>,
): readonly ArchiveFacts[] {
  const groups = groupsMeant(choice, tables);
  const named = archivesNamed(choice);
  return archives.filter(({ stem, subsets }) => {
    const group = groupOf(subsets);
    if (group === null || hasRows(tables, stem)) return false;
    return groups.has(group) || named.has(stem);
  });
}

type Group = NonNullable<Candidate['group']>;

/** The groups of CC-CXRI-P in which images of the choice, or controls for them, can be. */
function groupsMeant(choice: ImageChoice, tables: LabelTables): ReadonlySet<Group> {
  const { labels, withoutLabels, normals = 0 } = choice;
  const byLabel = labels.length > 0 ? labels : withoutLabels;
  const cases: readonly Group[] =
    byLabel.length > 0 ? (byLabel.includes('COVID-19') ? ['Viral'] : []) : listedIn(choice, tables);
  return new Set(cases.length > 0 && normals > 0 ? [...cases, 'Normal'] : cases);
}

const GROUPS: readonly Group[] = ['Normal', 'Viral', 'Other'];

/** Without labels: where the patients and images of the lists are, by the label files. */
function listedIn({ patients, images }: ImageChoice, tables: LabelTables): readonly Group[] {
  if (patients === undefined && images === undefined) return GROUPS;
  const open = new Set(
    [...(patients ?? []), ...(images ?? [])].filter((each) => !each.includes('/')),
  );
  for (const { byArchive } of tables.chest)
    for (const rows of byArchive.values()) strike(open, rows);
  if (open.size === 0) return [];
  for (const { byImage } of tables.covid) strike(open, byImage);
  return open.size === 0 ? ['Viral'] : GROUPS;
}

function strike(open: Set<string>, rows: ReadonlyMap<string, unknown>): void {
  for (const image of rows.keys()) {
    open.delete(image);
    open.delete(patientOf(image));
  }
}

/** Archives that the list of images names. */
function archivesNamed({ images = new Set() }: ImageChoice): ReadonlySet<string> {
  return new Set(
    [...images].flatMap((each) => (each.includes('/') ? [each.split('/')[0] ?? ''] : [])),
  );
}

/** Rows that are of no archive of the manifest. @param archives all of the manifest */
export function unknownArchives(
  { chest }: LabelTables,
  archives: readonly ArchiveFacts[],
): readonly Remark[] {
  const known = new Set(archives.map(({ stem }) => stem));
  return chest.flatMap(({ file, byArchive }) => {
    const stems = [...byArchive.keys()].filter((stem) => !known.has(stem));
    if (stems.length === 0) return [];
    const count = stems.reduce((sum, stem) => sum + (byArchive.get(stem)?.size ?? 0), 0);
    const kind = stems.length === byArchive.size ? 'unplaced-rows' : 'unknown-archive';
    return [{ kind, file, count, examples: stems.slice(0, 5), strict: kind === 'unplaced-rows' }];
  });
}
