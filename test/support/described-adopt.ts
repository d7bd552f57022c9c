import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { RELEASE, set } from './demo-lines.ts';
import type { DescribedOutput } from './described-output.ts';
import { writeTree } from './temp-dirs.ts';

interface World {
  readonly tempDir: () => Promise<string>;
  readonly copyOfFetched: () => Promise<string>;
}

/** Registers the tests of what is printed about what is found elsewhere. */
export function describeAdoptRuns(
  described: DescribedOutput,
  { tempDir, copyOfFetched }: World,
): void {
  const expectDescribed = described.expect.bind(described);
  describe('real output of adopt is described', () => {
    const fresh = async () => join(await tempDir(), 'set');

    it('of what is found, what would be, and what is wrong', async () => {
      await expectDescribed(0, async () => ['adopt', RELEASE, '-n', ...set(await fresh())]);
      await expectDescribed(0, async () => ['adopt', RELEASE, ...set(await fresh())]);
      await expectDescribed(2, async () => ['adopt', '/nonexistent', ...set(await fresh())]);
      const held = await tempDir();
      await copyFile(join(RELEASE, 'Viral-1.zip'), join(held, 'v.zip'));
      await writeTree(held, { 'ChestDx-2 (1).zip': 'PK, and cut' });
      await expectDescribed(3, async () => {
        const dest = await copyOfFetched();
        const one = await readFile(join(dest, 'images/ChestDx-1/patient10000385_000.jpg'));
        await writeTree(held, {
          'patient10000385_000.jpg': one.reverse(),
          'ChestDx-1/patient1_000.jpg': 'x',
        });
        for (const path of ['archives', 'images/ChestDx-1', '.ccxri/ledger/Viral-1.zip.json']) {
          await rm(join(dest, path), { recursive: true });
        }
        await writeTree(dest, { 'archives/Viral-1.zip': 'something else' });
        return ['adopt', held, ...set(dest)];
      });
    });
  });
}
