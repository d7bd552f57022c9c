import { lstat } from 'node:fs/promises';
import nodePath, { type PlatformPath, dirname, join, resolve } from 'node:path';
import { findDataset } from '../dataset/find-dataset.ts';
import type { ConfigLayer, ConfigPlace } from './config-policy.ts';
import { isBelow } from '../fs/within.ts';
import type { CliIo } from './io.ts';
import { type RawOptions, variableOf } from './options.ts';
import { NO_CONFIG, expandHome } from './options-resolve.ts';

export const CONFIG_NAME = 'ccxri.config.json';

type World = Pick<CliIo, 'cwd' | 'env'>;

/**
 * The project's file and the user's, in the order in which they count.
 * @throws CcxriError `usage`: one is there that can't be used as it is
 */
export async function findConfig(flags: RawOptions, io: World): Promise<readonly ConfigPlace[]> {
  if ((io.env[NO_CONFIG] ?? '') !== '') return [];
  const project = await firstThere('project', await projectPlaces(flags, io), io);
  const user = await firstThere('user', userPlaces(io.env), io);
  return [...project, ...user];
}

async function firstThere(
  layer: ConfigLayer,
  paths: readonly string[],
  { env }: World,
): Promise<readonly ConfigPlace[]> {
  for (const path of paths) {
    // What can't be looked at is none, as for a dataset directory.
    if ((await lstat(path).catch(() => undefined)) === undefined) continue;
    // Few have one: others need not load how it is read.
    const { readConfig } = await import('./config-read.ts');
    return [await readConfig(layer, path, env)];
  }
  return paths.slice(0, 1).map((path) => ({ layer, path, status: 'absent', values: {} }));
}

/**
 * Beside the dataset directory that is named or that the user is in, else in the current directory. Never in the
 * dataset directory itself: whoever passes on a dataset would pass on settings with it.
 */
async function projectPlaces(flags: RawOptions, { cwd, env }: World): Promise<readonly string[]> {
  const around = await findDataset(cwd);
  const { dest = env[variableOf('dest')] } = flags;
  const named = typeof dest === 'string' && dest !== '' ? [destOf(dest, cwd, env)] : [];
  const isInside = named.some((each) => each === cwd || isBelow(each, cwd));
  const current = around === undefined ? cwd : dirname(around);
  const others = isInside || (named.length > 0 && around !== undefined) ? [] : [current];
  return [...new Set([...named.map((each) => dirname(each)), ...others])].map((directory) =>
    join(directory, CONFIG_NAME),
  );
}

function destOf(dest: string, cwd: string, env: CliIo['env']): string {
  return resolve(cwd, expandHome(dest, env));
}

/** By the XDG Base Directory Specification, which ignores a path that is not absolute; on Windows APPDATA. */
export function userPlaces(env: CliIo['env'], flavour: PlatformPath = nodePath): readonly string[] {
  const { XDG_CONFIG_HOME: xdg = '', APPDATA: roaming = '', HOME: home = '' } = env;
  const bases = [xdg, roaming, home === '' ? '' : flavour.join(home, '.config')];
  return bases
    .filter((base) => flavour.isAbsolute(base))
    .slice(0, 1)
    .map((base) => flavour.join(base, 'ccxri', CONFIG_NAME));
}
