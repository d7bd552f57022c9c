import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { type DatasetLayout, layoutOf } from '../dataset/layout.ts';
import { assertDirectory } from '../dataset/session.ts';
import { describeExport } from '../description/describe-export.ts';
import { ignoreEvents, withSubsets } from '../events.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { readVersion } from '../fs/package-version.ts';
import { openIndexSource } from '../labels/build-index.ts';
import { type ImageChoice, choosesImages } from '../labels/image-choice.ts';
import { readChoice } from '../labels/make-choice.ts';
import { type Manifest, isEmptySelection, selectFiles } from '../manifest/manifest.ts';
import { LoadPool } from '../zip/load-pool.ts';
import { ExportProgress } from './export-progress.ts';
import { FORMATS } from './formats.ts';
import { type ExportPlan, fingerprintOf, planExport } from './plan.ts';
import { type Convert, loadConverter } from '../dataset/convert-image.ts';
import { assertRoom, bytesOfImages } from './room.ts';
import { CHECKSUMS, type Recipe, SIDECAR, renderChecksums, renderSidecar } from './sidecar.ts';
import { type SplitParts, readParts } from './split-parts.ts';
import { ExportPlace } from './target.ts';
import type { ExportOptions, ExportResult, Exporter } from './types.ts';
import { type WrittenExport, writeShards } from './write-shards.ts';

/** As large as loaders like them; of a release of 43 GB there are 43 then. */
const DEFAULT_SHARD_BYTES = 1e9;
const DEFAULT_QUALITY = 90;

/**
 * Writes the images that are here, extracted or in checked archives, or their labels alone, in the form that
 * a loader of training data takes. The directory appears when all of it is there; a run that was stopped is
 * continued by the same call. No network; the dataset directory is only read.
 * @throws CcxriError `occupied`: the target exists; `missing`: no images are here, or not all of the split;
 *   `usage`: a list is wrong, or sharp is not installed; `nothing-chosen`; `unknown-label`, `unknown-subset`, `unknown-file`; `labels-invalid`; `locked`: another export goes there; of the disk; `aborted`
 */
export async function exportDataset(options: ExportOptions): Promise<ExportResult> {
  const { dest, format, to, force = false, signal, clock = systemClock } = options;
  const startedMs = clock.nowMs();
  const { manifest } = await resolveManifest(options);
  await assertDirectory(dest);
  const place = new ExportPlace(to);
  await place.assertFree(force);
  const choice = await readChoice(options.choice ?? {}, manifest);
  const { split: name, selection = {} } = options;
  const split = name === undefined ? undefined : await readParts(layoutOf(dest), name, signal);
  const conversion = await openConversion(options);
  const { converted } = conversion;
  const recipe = { ...recipeOf(options, manifest), ...selectedBy(choice, split), converted };
  const { withImages } = recipe;
  const source = await openIndexSource({ ...options, manifest, packed: true });
  const files = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  const plan = await planExport(source, { manifest, files, choice, split, withImages, signal });
  const exporter = (await FORMATS[format].load())(recipe);
  const onEvent = withSubsets(options.onEvent ?? ignoreEvents, manifest.files);
  const progress = withImages ? new ExportProgress(clock, onEvent) : undefined;
  const needed = await roomOf(plan, { exporter, layout: source.layout, place, recipe });
  const result = { path: place.path, format, bytesOfImages: needed };
  const endWith = (done: Done) => {
    const elapsedMs = Math.round(clock.nowMs() - startedMs);
    return { ...result, ...toResult(done, plan), elapsedMs };
  };
  if (options.dryRun === true) return endWith(plannedOf(plan));
  const growth = { clock, signal, force, fingerprint: fingerprintOf(plan, recipe) };
  const done = await place.grow({ ...growth, isWorthKeeping: withImages }, async (journal) => {
    const kept = journal.shards.length;
    if (kept === 0) await assertRoom(place.path, needed ?? 0);
    const { growing: directory } = place.partial;
    const { layout } = source;
    const pool = exporter.readsAhead ? new LoadPool() : undefined;
    const work = { layout, exporter, directory, journal, progress, signal, pool };
    const written = await writeShards(plan.splits, { ...work, ...conversion }).finally(() =>
      pool?.close(),
    );
    const all = { ...written, leftOut: [...plan.leftOut, ...written.leftOut] };
    await describe(all, { options, manifest, plan, place, recipe });
    return { ...all, kept };
  });
  return endWith(done);
}

/** Null: it is not known before the images are converted. */
async function roomOf(
  { splits }: ExportPlan,
  {
    exporter,
    layout,
    place,
    recipe,
  }: Pick<Description, 'place' | 'recipe'> & {
    readonly exporter: Exporter;
    readonly layout: DatasetLayout;
  },
): Promise<number | null> {
  if (!recipe.withImages) return 0;
  if (recipe.converted !== null) return null;
  const { linksFiles = false } = exporter;
  return bytesOfImages(splits, { path: place.path, layout, linksFiles });
}

/** As it would end. */
function plannedOf({ splits, leftOut }: ExportPlan): Done {
  const parts = splits.map(({ split, archives }) => {
    const images = archives.reduce((sum, { rows }) => sum + rows.length, 0);
    return { split: split ?? null, images, shards: 0 };
  });
  return { parts, files: [], images: [], leftOut, kept: 0 };
}

type Done = WrittenExport & { readonly kept: number };

function toResult(
  { parts, files, leftOut, kept }: Done,
  plan: ExportPlan,
): Omit<ExportResult, 'path' | 'format' | 'bytesOfImages' | 'elapsedMs'> {
  return {
    images: parts.reduce((sum, { images }) => sum + images, 0),
    archives: stemsOf(plan).length,
    parts,
    shardsKept: kept,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    leftOut,
    withoutPart: plan.withoutPart,
    notFound: plan.notFound,
  };
}

/** Without the lists themselves, which may be long: the rows of the export say whom they meant. */
function selectedBy(
  choice: ImageChoice,
  split: SplitParts | undefined,
): Pick<Recipe, 'choice' | 'split'> {
  const { patients, images } = choice;
  const sizes = { patients: patients?.size, images: images?.size };
  return {
    choice: choosesImages(choice) ? { ...choice, ...sizes } : null,
    split:
      split === undefined ? null : { name: split.name, seed: split.seed, sha256: split.sha256 },
  };
}

function recipeOf(
  options: ExportOptions,
  { dataset, version }: Manifest,
): Omit<Recipe, 'choice' | 'split' | 'converted'> {
  const { format, withImages = false, shardBytes = DEFAULT_SHARD_BYTES } = options;
  return {
    ccxriVersion: readVersion(),
    manifest: { dataset, version },
    format,
    withImages: withImages || isConverting(options) || FORMATS[format].images === 'always',
    shardBytes,
  };
}

function isConverting({ resize, quality, imageFormat }: ExportOptions): boolean {
  return [resize, quality, imageFormat].some((each) => each !== undefined);
}

interface OpenConversion {
  readonly convert: Convert | undefined;
  /** Of the images that it makes. */
  readonly ending: string | undefined;
  readonly converted: Recipe['converted'];
}

/** @throws CcxriError `usage`: sharp is not installed */
async function openConversion(options: ExportOptions): Promise<OpenConversion> {
  if (!isConverting(options)) return { convert: undefined, ending: undefined, converted: null };
  const { resize: size, quality = DEFAULT_QUALITY, imageFormat: format = 'jpg' } = options;
  const conversion = { size, quality, format };
  const { convert, versions } = await loadConverter(conversion);
  return { convert, ending: format, converted: { ...conversion, ...versions } };
}

interface Description {
  readonly options: ExportOptions;
  readonly manifest: Manifest;
  readonly plan: ExportPlan;
  readonly place: ExportPlace;
  readonly recipe: Recipe;
}

/** What lies beside the files of the format. */
async function describe(
  written: WrittenExport,
  { options, manifest, plan, place, recipe }: Description,
): Promise<void> {
  const { signal, onEvent = ignoreEvents } = options;
  const { temporary: temporaryDirectory, growing } = place.partial;
  const { format, withImages, converted } = recipe;
  const archives = stemsOf(plan);
  const text = renderSidecar(recipe, { ...written, archives });
  const how = { temporaryDirectory, signal };
  await writeFileAtomic(join(growing, SIDECAR), text, how);
  await writeFileAtomic(join(growing, CHECKSUMS), renderChecksums(written), how);
  const images = written.parts.reduce((sum, part) => sum + part.images, 0);
  const imageEnding =
    withImages && FORMATS[format].hasImageFiles ? (converted?.format ?? 'jpg') : undefined;
  const facts = { manifest, format, images, archives, files: written.files, imageEnding };
  await describeExport(growing, facts, { onEvent, signal, temporaryDirectory });
}

function stemsOf({ splits }: ExportPlan): readonly string[] {
  return [
    ...new Set(splits.flatMap(({ archives }) => archives.map(({ archive }) => archive.stem))),
  ];
}
