import { CcxriError } from '../errors.ts';
import { count, toPrintable } from '../text.ts';
import { canonicalJson } from './content.ts';
import type { LockedChoice, LockedSplit, Lockfile } from './types.ts';

/** Names that are shown of many. */
const SHOWN = 3;

/**
 * How what is there now differs from what was locked, each in a sentence. Pure. Another version of ccxri is
 * none: its form of the directory is what counts.
 */
export function driftOf(locked: Lockfile, now: Lockfile): readonly string[] {
  const isSameFiles = canonicalJson(locked.selection.files) === canonicalJson(now.selection.files);
  const isSameList = locked.selection.md5ListSha256 === now.selection.md5ListSha256;
  return [
    ...differs('the form of the directory', [locked.layoutVersion, now.layoutVersion]),
    ...manifestDrift(locked, now),
    ...fileDrift(locked.selection.files, now.selection.files),
    ...(isSameFiles && !isSameList ? ['MD5s of selected files are others'] : []),
    ...labelDrift(locked, now),
    ...choiceDrift(locked.selection.images, now.selection.images),
    ...now.splits.flatMap((split) =>
      splitDrift(
        locked.splits.find(({ name }) => name === split.name),
        split,
      ),
    ),
  ];
}

function manifestDrift({ manifest: locked }: Lockfile, { manifest: now }: Lockfile) {
  if (locked.sha256 === now.sha256) return [];
  const shown = [locked, now].map(({ dataset, version, sha256 }) =>
    toPrintable(`${dataset} ${version} (${sha256.slice(0, 12)}…)`, 200),
  );
  return [`the manifest: locked ${shown[0]}, now ${shown[1]}`];
}

function fileDrift(locked: readonly string[], now: readonly string[]): readonly string[] {
  const gone = locked.filter((name) => !now.includes(name));
  const more = now.filter((name) => !locked.includes(name));
  return [
    ...(gone.length === 0
      ? []
      : [`${count(gone.length, 'file')} locked, and not selected: ${some(gone)}`]),
    ...(more.length === 0
      ? []
      : [`${count(more.length, 'file')} selected, and not locked: ${some(more)}`]),
  ];
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => toPrintable(name, 200));
  return `${shown.join(', ')}${names.length > SHOWN ? ', …' : ''}`;
}

function labelDrift({ labels: locked }: Lockfile, { labels: now }: Lockfile): readonly string[] {
  return now.flatMap(({ file, md5 }) => {
    const before = locked.find((each) => each.file === file);
    return before === undefined ? [] : differs(`the MD5 of ${file}`, [before.md5, md5]);
  });
}

function choiceDrift(locked: LockedChoice | null, now: LockedChoice | null): readonly string[] {
  if (locked === null && now === null) return [];
  if (locked === null || now === null) {
    const [all, some_] = ['all images', 'chosen images'];
    return [`locked ${locked === null ? all : some_}, now ${now === null ? all : some_}`];
  }
  const options: readonly (readonly [string, Shown, Shown])[] = [
    ['--label', locked.labels, now.labels],
    ['--all-labels', locked.allLabels, now.allLabels],
    ['--without-label', locked.withoutLabels, now.withoutLabels],
    ['the list of --patients', locked.patients, now.patients],
    ['the list of --images', locked.images, now.images],
    ['--limit', locked.limit, now.limit],
    ['--per-label', locked.perLabel, now.perLabel],
    ['--normals', locked.normals, now.normals],
    ['--seed', locked.seed, now.seed],
  ];
  return options.flatMap(([what, before, after]) => differs(what, [before, after]));
}

/** Splits that were not locked, or are not here, are none of its business. */
function splitDrift(locked: LockedSplit | undefined, now: LockedSplit): readonly string[] {
  if (locked === undefined) return [];
  const name = toPrintable(now.name, 80);
  const isAsMany = locked.rows === now.rows;
  const others = [
    ...differs(`the seed of the split ${name}`, [locked.seed, now.seed]),
    ...(locked.recipeSha256 === now.recipeSha256
      ? []
      : [`the split ${name} is made in another way`]),
  ];
  if (others.length > 0 || !isAsMany || locked.sha256 === now.sha256) return others;
  return [`the split ${name} has images in other parts`];
}

function differs(what: string, [locked, now]: readonly [Shown, Shown]): readonly string[] {
  const [before, after] = [locked, now].map(shownOf);
  return before === after ? [] : [`${what}: locked ${before}, now ${after}`];
}

type Shown = string | number | boolean | readonly string[] | null;

function shownOf(value: Shown): string {
  const text = typeof value === 'object' ? (value ?? []).join(', ') : String(value);
  return text === '' ? 'none' : toPrintable(text, 120);
}

/**
 * @param path of the lockfile
 * @throws CcxriError `lockfile-drift`
 */
export function assertNoDrift(path: string, locked: Lockfile, now: Lockfile): void {
  const reasons = driftOf(locked, now);
  if (reasons.length === 0) return;
  const message = `what would be fetched is not what ${toPrintable(path, 4096)} says`;
  throw new CcxriError('lockfile-drift', message, {
    path,
    reasons,
    kept: 'everything: nothing was started',
    next: [
      {
        kind: 'advice',
        text: 'go back to what was locked',
        or: {
          kind: 'run',
          command: 'lock',
          purpose: 'with the same selection, if the change is meant',
        },
      },
    ],
  });
}
