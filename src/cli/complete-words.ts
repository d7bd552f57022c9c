import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type DatasetWords, complete, toAnswer } from './complete.ts';
import { COMPLETION_TABLE } from './completion-table.ts';

interface World {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Of PowerShell: an empty word would not arrive. */
const GUARD = '=';

/**
 * Answers a completion script.
 * @param argv the name of the shell, and the words behind `ccxri` up to the cursor
 */
export function answer(argv: readonly string[], world: World): string {
  const [shell, ...rest] = argv;
  const last = rest.at(-1) ?? '';
  const words =
    shell === 'powershell' && last.startsWith(GUARD) ? [...rest.slice(0, -1), last.slice(1)] : rest;
  const dataset = () => datasetWords(words, world);
  return toAnswer(complete(words, { table: COMPLETION_TABLE, dataset }));
}

/** The names of the manifest that is typed, that the directory keeps, or that is bundled: read, not checked. */
function datasetWords(words: readonly string[], world: World): DatasetWords {
  const typed = valueIn(words, '--manifest') ?? world.env['CCXRI_MANIFEST'];
  const dest = valueIn(words, '--dest') ?? world.env['CCXRI_DEST'];
  const places = [
    ...(typed === undefined ? [] : [resolve(world.cwd, typed)]),
    ...keptAbove(dest === undefined ? world.cwd : resolve(world.cwd, dest)),
    ...(dest === undefined ? [join(world.cwd, 'cc-cxri', KEPT)] : []),
    BUNDLED,
  ];
  for (const place of places) {
    const found = wordsIn(place);
    if (found !== undefined) return found;
  }
  return { subsets: [], files: [] };
}

/** As in src/manifest/load.ts, which would load far more. */
const BUNDLED = new URL('../../manifests/cc-cxri.json', import.meta.url);
const KEPT = join('.ccxri', 'manifest.json');
const MOST_BYTES = 4 * 1024 * 1024;

function keptAbove(start: string): readonly string[] {
  const places: string[] = [];
  for (let at = start; ; at = dirname(at)) {
    places.push(join(at, KEPT));
    if (dirname(at) === at) return places;
  }
}

function valueIn(words: readonly string[], long: string): string | undefined {
  const at = words.indexOf(long);
  // Not what is being typed.
  if (at >= 0 && at + 1 < words.length - 1) return words[at + 1];
  return words.find((word) => word.startsWith(`${long}=`))?.slice(long.length + 1);
}

function wordsIn(place: string | URL): DatasetWords | undefined {
  try {
    const stats = statSync(place);
    if (!stats.isFile() || stats.size > MOST_BYTES) return undefined;
    const parsed: unknown = JSON.parse(readFileSync(place, 'utf8'));
    const files = listIn(parsed, 'files');
    if (files.length === 0) return undefined;
    const isText = (value: unknown): value is string => typeof value === 'string';
    const names = files.map((file) => fieldOf(file, 'name')).filter(isText);
    const subsets = files.flatMap((file) => listIn(file, 'subsets')).filter(isText);
    return {
      subsets: [...new Set(subsets)],
      files: names.map((name) => name.replace(/\.zip$/i, '')),
    };
  } catch {
    // Nobody reads an error while pressing Tab.
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name);
  return Array.isArray(list) ? list : [];
}
