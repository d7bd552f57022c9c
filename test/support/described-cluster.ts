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
  });
}
