import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  datasetAround,
  findDataset,
  isDataset,
  warnOfNesting,
} from '../../src/dataset/find-dataset.ts';
import type { RunEvent } from '../../src/events.ts';
import { saying } from '../support/matchers.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function makeDataset(root: string): Promise<string> {
  await mkdir(join(root, '.ccxri/ledger'), { recursive: true });
  await mkdir(join(root, 'images/ChestDx-1'), { recursive: true });
  return root;
}

describe('a dataset directory', () => {
  it('has a ledger or a kept manifest in its .ccxri', async () => {
    const root = await tempDir();
    expect(await isDataset(join(root, 'absent'))).toBe(false);
    expect(await isDataset(root)).toBe(false);
    await writeFile(join(root, '.ccxri'), 'a file');
    expect(await isDataset(root)).toBe(false);
    const other = await tempDir();
    await mkdir(join(other, '.ccxri'));
    // A lock alone, or the settings of something else.
    await writeFile(join(other, '.ccxri/lock'), '');
    expect(await isDataset(other)).toBe(false);
    await writeFile(join(other, '.ccxri/manifest.json'), '{}');
    expect(await isDataset(other)).toBe(true);
    expect(await isDataset(await makeDataset(join(root, 'set')))).toBe(true);
  });

  it('is found from below, up to the root of the file system', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    expect(await findDataset(join(root, 'images/ChestDx-1/not/there'))).toBe(root);
    expect(await findDataset(join(root, '..'))).toBeUndefined();
    expect(await findDataset('/')).toBeUndefined();
  });

  it.runIf(process.getuid?.() === 0)(
    "is one's own, or that of root, where everybody may make one",
    async () => {
      const root = await makeDataset(join(await tempDir(), 'set'));
      await chmod(root, 0o1777);
      expect(await findDataset(root)).toBe(root);
      await chown(join(root, '.ccxri'), 4711, 4711);
      expect(await findDataset(root)).toBeUndefined();
      // A share that somebody else owns.
      await chmod(root, 0o755);
      expect(await findDataset(root)).toBe(root);
    },
  );
});

describe('a dataset directory in another one', () => {
  it.each(['images/new', 'images', 'archives/a/b', 'labels', '.ccxri/x'])(
    'is refused in %s',
    async (below) => {
      const root = await makeDataset(join(await tempDir(), 'set'));
      await expect(datasetAround(join(root, below))).rejects.toMatchObject({
        code: 'usage',
        message: saying(`of the dataset directory ${root}`),
        next: [{ option: 'dest', value: root }],
      });
    },
  );

  it('is refused by where a link leads', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const link = join(await tempDir(), 'link');
    await symlink(join(root, 'images'), link);
    await expect(datasetAround(join(link, 'new'))).rejects.toMatchObject({ code: 'usage' });
  });

  it('is known in other folders of it, and nowhere else', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    expect(await datasetAround(join(root, 'imagesets'))).toBe(root);
    expect(await datasetAround(root)).toBeUndefined();
    expect(await datasetAround(join(root, '../other'))).toBeUndefined();
  });

  it('is warned of, or refused under the same name, until it is there', async () => {
    const root = await makeDataset(join(await tempDir(), 'set'));
    const events: RunEvent[] = [];
    const warnOf = (name: string) =>
      warnOfNesting({ dest: join(root, name), onEvent: (event) => events.push(event) });
    await warnOf('mine');
    expect(events).toMatchObject([{ event: 'warning', message: saying(root) }]);
    await expect(warnOf('set')).rejects.toMatchObject({ code: 'usage' });
    for (const name of ['mine', 'set']) {
      await makeDataset(join(root, name));
      await warnOf(name);
    }
    expect(events).toHaveLength(1);
  });
});
