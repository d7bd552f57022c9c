import { createHash } from 'node:crypto';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { assertDirectory } from '../dataset/session.ts';
import { CcxriError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { buildDescribedIndex } from '../join.ts';
import { type IndexResult, indexRows, openIndexSource } from '../labels/build-index.ts';
import type { IndexRow, LabelsHere } from '../labels/join.ts';
import { patientKey, splitPatients } from '../labels/split.ts';
import { DEFAULT_SEED } from '../labels/seed.ts';
import { SplitBalance } from '../labels/split-balance.ts';
import { assertColumnName } from '../labels/split-columns.ts';
import { type SplitFiles, readSplit, renderSplit, splitFilesOf } from '../labels/split-file.ts';
import { type SplitBits, splitBitsOf } from '../labels/split-labels.ts';
import { type Manifest, selectFiles, stemOf } from '../manifest/manifest.ts';
import { count, toPrintable } from '../text.ts';
import { HOLDOUT, sharesOf } from './shares.ts';
import { type WrittenSplit, renderSidecar } from './sidecar.ts';
import { DEFAULT_SPLIT_NAME, type SplitOptions, type SplitResult } from './types.ts';

/**
 * Splits the images that are here by patient, and writes the split into splits/. No network.
 * @throws CcxriError `usage`; `unknown-subset`, `unknown-file`; `missing`: no images are here;
 *   `occupied`: another split of this name is there, or, with `addToIndex`, what is no index; `labels-invalid`;
 *   of the disk; `aborted`
 */
export async function splitDataset(options: SplitOptions): Promise<SplitResult> {
  const { dest, seed = DEFAULT_SEED, stratify = false, name = DEFAULT_SPLIT_NAME } = options;
  const { dryRun = false, signal } = options;
  const shares = sharesOf(options);
  if (options.addToIndex === true) assertColumnName(name);
  const { manifest } = await resolveManifest(options);
  const heldOut = selectFiles(manifest, { subsets: options.holdout });
  await assertDirectory(dest);
  const source = await openIndexSource({ ...options, manifest, packed: true });
  const files = splitFilesOf(source.layout, name);
  // Kept: to join them again takes longer than all that follows.
  const batches: (readonly IndexRow[])[] = [];
  for await (const { rows } of indexRows(source, signal)) batches.push(rows);
  const patients = patientsOf(batches, new Set(heldOut.map((file) => stemOf(file.name))));
  const open = [...patients.values()].filter(({ isHeldOut }) => !isHeldOut);
  const split = splitPatients(open, { parts: shares, seed, stratify });
  const partOf = (id: string) => split.parts.get(id) ?? HOLDOUT;
  const hasHoldout = heldOut.length > 0;
  const balance = new SplitBalance(
    new Map<string, number | null>([
      ...shares.map(({ part, share }) => [part, share] as const),
      ...(hasHoldout ? [[HOLDOUT, null] as const] : []),
    ]),
  );
  for (const patient of patients.values()) balance.addPatient(partOf(patient.id), patient);
  const work = { batches, layout: source.layout, files, balance, partOf, signal };
  if (options.force !== true) await assertSameParts(work);
  const csv = await writeSplit(work, dryRun);
  const parts = balance.finish();
  const images = parts.reduce((sum, each) => sum + each.images, 0);
  if (!dryRun) {
    const temporaryDirectory = source.layout.state;
    const text = renderSidecar({ options, seed, shares, manifest, csv, parts });
    await writeFileAtomic(files.sidecar, text, { temporaryDirectory, signal });
  }
  const index = await writeIndexWith(options, manifest, source.labels);
  return {
    path: files.csv,
    sidecar: files.sidecar,
    seed,
    stratified: stratify,
    moved: split.moved,
    images,
    patients: patients.size,
    sha256: csv.sha256,
    parts,
    ...(index === undefined ? {} : { index }),
  };
}

/** index.csv, with the split as a column. */
async function writeIndexWith(
  options: SplitOptions,
  manifest: Manifest,
  labels: LabelsHere,
): Promise<IndexResult | undefined> {
  const { name: addSplit = DEFAULT_SPLIT_NAME, addToIndex = false, dryRun = false } = options;
  if (!addToIndex || dryRun) return undefined;
  return buildDescribedIndex({ ...options, selection: undefined, manifest, addSplit }, labels);
}

interface Patient extends SplitBits {
  readonly id: string;
  readonly isHeldOut: boolean;
}

function patientsOf(batches: Batches, heldOut: ReadonlySet<string>): ReadonlyMap<string, Patient> {
  const patients = new Map<string, Patient>();
  for (const row of batches.flat()) {
    const id = patientKey(row);
    const { has, known } = splitBitsOf(row);
    const before = patients.get(id);
    patients.set(id, {
      id,
      has: (before?.has ?? 0) | has,
      known: (before?.known ?? 0) | known,
      isHeldOut: before?.isHeldOut === true || heldOut.has(row.archive),
    });
  }
  return patients;
}

/** Rows of index.csv, an archive each. */
type Batches = readonly (readonly IndexRow[])[];

interface SplitWork {
  readonly batches: Batches;
  readonly layout: DatasetLayout;
  readonly files: SplitFiles;
  readonly balance: SplitBalance;
  readonly partOf: (patient: string) => string;
  readonly signal: AbortSignal | undefined;
}

/** A split is what results are compared by: it is not replaced by another one without a word. */
async function assertSameParts({ batches, files, partOf, signal }: SplitWork): Promise<void> {
  const before = await readSplit(files.csv, signal);
  if (before === undefined) return;
  let [same, moved] = [0, 0];
  for (const row of batches.flat()) {
    const part = before.get(row.path);
    if (part === partOf(patientKey(row))) same += 1;
    else if (part !== undefined) moved += 1;
  }
  const lost = before.size - same - moved;
  if (moved + lost === 0) return;
  const path = files.csv;
  const losing = lost === 0 ? '' : `, and ${count(lost, 'image')} of it would be in none`;
  throw new CcxriError(
    'occupied',
    `${toPrintable(path, 4096)} is another split: ${count(moved, 'image')} would move to another part${losing}`,
    {
      path,
      kept: 'the split that is there',
      next: [
        {
          kind: 'option',
          option: 'name',
          purpose: 'to keep both',
          or: { kind: 'option', option: 'force', purpose: 'to replace it' },
        },
      ],
    },
  );
}

async function writeSplit(
  { batches, layout, files, balance, partOf, signal }: SplitWork,
  dryRun: boolean,
): Promise<WrittenSplit> {
  const hash = createHash('sha256');
  let count = 0;
  function* parts() {
    for (const rows of batches) {
      count += rows.length;
      yield rows.map((row) => {
        const part = partOf(patientKey(row));
        balance.addImage(part, splitBitsOf(row));
        return { row, part };
      });
    }
  }
  function* hashed() {
    for (const text of renderSplit(parts())) {
      hash.update(text);
      yield text;
    }
  }
  const texts = hashed();
  if (dryRun) while (texts.next().done !== true);
  else {
    await writeFileAtomic(files.csv, texts, {
      temporaryDirectory: layout.state,
      signal,
    });
  }
  return { rows: count, sha256: hash.digest('hex') };
}
