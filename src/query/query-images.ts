import { finalPathOf } from '../dataset/layout.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { readMemberIndex } from '../dataset/member-index.ts';
import { type Session, withSession } from '../dataset/session.ts';
import { CcxriError } from '../errors.ts';
import { fetchDataset } from '../fetch/fetch-dataset.ts';
import { listNames } from '../fetch/image-archives.ts';
import { withDownloads } from '../fetch/with-downloads.ts';
import { pathKind } from '../fs/paths.ts';
import { type ImageChoice, choosesImages } from '../labels/image-choice.ts';
import { type MadeChoice, labelFilesFor, makeChoice, readChoice } from '../labels/make-choice.ts';
import { type Manifest, isEmptySelection, selectFiles } from '../manifest/manifest.ts';
import { countChoice, toList } from './count-choice.ts';
import type { QueryOptions, QueryResult } from './types.ts';

/**
 * Chooses images and counts them, without fetching any. Label files that the choice needs and that are
 * not here are fetched first; directories of archives that no label file speaks of are read, and kept.
 * @throws CcxriError `nothing-selected`; `unknown-label`, `unknown-subset`, `unknown-file`; `usage`: a
 *   list is wrong; `nothing-chosen`; `labels-invalid`; what a fetch of a label file ends with; of the
 *   sources and the disk; `aborted`
 */
export async function queryImages(options: QueryOptions): Promise<QueryResult> {
  const { manifest } = await resolveManifest(options);
  const choice = await readChoice(options.choice, manifest);
  if (!choosesImages(choice) && isEmptySelection(options.selection ?? {})) throw nothingSelected();
  const run = { ...options, manifest };
  await fetchLabels(choice, run);
  return withSession(run, {}, (session) =>
    withDownloads({ session, options: run, tasks: [] }, async (downloads) => {
      const made = await makeChoice(choice, {
        manifest,
        layout: session.layout,
        files: session.files,
        listImages: (archives) => listNames(archives, downloads),
        signal: session.signal,
      });
      const result = await toResult(made, session);
      return options.list === true ? { ...result, list: toList(made, manifest) } : result;
    }),
  );
}

function nothingSelected(): CcxriError {
  return new CcxriError('nothing-selected', 'say which images to look for', {
    next: [
      {
        kind: 'option',
        option: 'label',
        value: 'Hernia',
        or: { kind: 'option', option: 'subset', value: 'chestdx' },
      },
    ],
  });
}

/** @throws CcxriError what went wrong with the first that can't be had */
async function fetchLabels(
  choice: ImageChoice,
  options: QueryOptions & { readonly manifest: Manifest },
): Promise<void> {
  const { manifest, selection = {} } = options;
  const selected = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  const missing: string[] = [];
  await withSession(options, {}, async ({ layout }) => {
    for (const file of labelFilesFor(choice, selected, manifest)) {
      const kind = await pathKind(finalPathOf(layout, file));
      if (kind === 'nothing') missing.push(file.name);
    }
  });
  if (missing.length === 0) return;
  const { outcomes } = await fetchDataset({
    ...options,
    selection: { files: missing },
    extract: false,
    join: false,
  });
  const failed = outcomes.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) throw failed.error;
}

async function toResult(made: MadeChoice, session: Session): Promise<QueryResult> {
  const { manifest, dest, layout } = session;
  const read = new Map(
    await Promise.all(
      [...new Set([...made.images, ...made.controls].map(({ archive }) => archive))].map(
        async (stem) => {
          const [file] = selectFiles(manifest, { files: [stem] });
          const index = file === undefined ? undefined : await readMemberIndex(layout, file);
          return [stem, index?.listing] as const;
        },
      ),
    ),
  );
  return { dest, ...countChoice(made, manifest, read) };
}
