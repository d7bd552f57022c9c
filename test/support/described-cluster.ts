import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { fetchOf } from './demo-lines.ts';
import type { DescribedOutput } from './described-output.ts';

/** Registers the tests of what is printed about a shard of a selection. */
export function describeClusterRuns(
  described: DescribedOutput,
  { tempDir }: { readonly tempDir: () => Promise<string> },
): void {
  describe('real output of a shard is described', () => {
    it('fetched, planned, unpacked, verified', async () => {
      const dest = join(await tempDir(), 'set');
      const shard = ['--shard', '1/2'];
      await described.expect(0, () => [...fetchOf('all', dest), ...shard, '--dry-run']);
      await described.expect(0, () => [...fetchOf('all', dest), ...shard]);
      await described.expect(0, () => ['extract', '--dest', dest, ...shard]);
      await described.expect(0, () => ['verify', '--dest', dest, ...shard]);
    });

    it('images resized on the way', async () => {
      const dest = join(await tempDir(), 'set');
      const small = [...fetchOf('viral', dest), '--low-disk', '--resize', '64'];
      await described.expect(0, () => small);
      await described.expect(0, () => ['status', '--dest', dest]);
      await described.expect(0, () => ['verify', '--deep', '--dest', dest]);
      await described.expect(2, () => fetchOf('viral', dest));
    });

    it('several directories joined', async () => {
      const root = await tempDir();
      const dest = join(root, 'one');
      await described.expect(0, () => [...fetchOf('all', dest), '--shard', '1/2']);
      const images = join(root, 'two/images/ChestDx-1');
      await cp(join(dest, 'images/ChestDx-1'), images, { recursive: true });
      await writeFile(join(images, 'patient10000385_000.jpg'), 'other');
      const from = ['--from', dest, '--from', join(root, 'two')];
      await described.expect(0, () => ['join', ...from, '-o', join(root, 'all.csv')]);
      await described.expect(2, () => ['join', ...from, '--from', root, '-o', join(root, 'x.csv')]);
    });
  });
}
