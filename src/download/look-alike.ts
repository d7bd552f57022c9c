import { isCcxriError } from '../errors.ts';
import { type ZipDirectory, withDirectory } from '../zip/directory.ts';
import { openFileReader } from '../zip/reader.ts';

/** Other datasets with archives of the same names, by the paths in them. */
const LOOK_ALIKES: readonly { readonly dataset: string; readonly path: RegExp }[] = [
  // CT scans, published by the same group on the same kind of page; it has a Normal-1.zip as well.
  { dataset: 'CC-CCII', path: /^(Normal|CP|NCP)\/\d+\/\d+\/[^/]+$/ },
];

/** Whether an archive is of another dataset, in words; undefined: nothing says so. Pure. */
export function describeLookAlike({ topFolder, members }: Paths): string | undefined {
  const paths = members.map(({ name }) => (topFolder === null ? name : `${topFolder}/${name}`));
  for (const { dataset, path } of LOOK_ALIKES) {
    const classes = paths.flatMap((each) => path.exec(each)?.[1] ?? []);
    // Most of it: such archives have a README or a .DS_Store as well.
    if (classes.length > paths.length / 2) {
      return `it looks like ${dataset}'s (${classes[0] ?? ''}/<patient>/<scan>/)`;
    }
  }
  return undefined;
}

type Paths = {
  readonly topFolder: ZipDirectory['topFolder'];
  readonly members: readonly Pick<ZipDirectory['members'][number], 'name'>[];
};

/**
 * The same of a file on the disk.
 * @returns also undefined if it is no archive that can be read
 */
export async function lookAlikeAt(path: string, file: string): Promise<string | undefined> {
  const reader = await openFileReader(path);
  try {
    return await withDirectory(reader, { file }, (directory) =>
      Promise.resolve(describeLookAlike(directory)),
    );
  } catch (error) {
    if (isCcxriError(error, 'damaged-archive', 'unsafe-archive')) return undefined;
    throw error;
  } finally {
    await reader.close();
  }
}
