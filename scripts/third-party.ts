import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The licences of the packages whose code is in a bundle: they ask to go where the code goes.
 * @param inputs the bundled files, relative to `root`
 */
export async function noticesOf(root: string, inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.flatMap((input) => packageFolderOf(input) ?? []));
  const notices = await Promise.all([...folders].sort().map((folder) => noticeOf(root, folder)));
  return ['dist/bin/ holds code of these packages, under their own licences.\n', ...notices].join(
    `\n${'-'.repeat(78)}\n\n`,
  );
}

function packageFolderOf(input: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0];
}

async function noticeOf(root: string, folder: string): Promise<string> {
  const path = join(root, folder);
  const json: unknown = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
  const { name, version, license } = json as Readonly<Record<string, unknown>>;
  const file = (await readdir(path)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n${await readFile(join(path, file), 'utf8')}`;
  if (text === '' && license === undefined) throw new Error(`${folder} names no licence`);
  return `${String(name)} ${String(version)} (${String(license)})\n${text}`;
}
