import { describe, expect, it } from 'vitest';
import { failEverywhere, makeFaultRelease, type FaultKind } from '../support/fault-runs.ts';
import { hasNginx } from '../support/nginx.ts';
import { useProcessGroups } from '../support/process-group.ts';
import { hasStrace } from '../support/strace.ts';
import { useServedRelease } from './served-release.ts';

export interface FaultSuite {
  readonly kinds: readonly FaultKind[];
  /** Of the three images in the archive. Default 1,200,000. */
  readonly totalBytes?: number;
}

/** `it` of each kind of fault: a call that fails, kills or lies, at each point in turn. */
export function describeFaults({ kinds, totalBytes = 1_200_000 }: FaultSuite): void {
  const start = useProcessGroups();
  // Not too fast, so that a file comes in several pieces.
  const limitRate = `${Math.round(totalBytes / 180_000)}m`;
  const make = (directory: string) => makeFaultRelease(directory, totalBytes);
  const served = useServedRelease(make, { limitRate });
  const what = `of a fetch of ${totalBytes / 1e6} MB, at each call in turn`;

  describe.skipIf(!hasNginx || !hasStrace)(what, () => {
    it.each(kinds)(
      '$call $how: what is there is right, and the next run ends well',
      async (kind) => {
        const { directory, release, nginx } = served();
        const world = { directory, release, sourceUrl: nginx.url, start };
        const { points, hit, missed, runs } = await failEverywhere(world, kind);
        expect(points).toBeGreaterThan(0);
        const rest = missed.length === 0 ? '' : `; not met: ${missed.join(', ')}`;
        console.log(
          `${kind.call} ${kind.how}: ${hit.length} of ${points} points in ${runs} runs${rest}`,
        );
      },
      1_800_000,
    );
  });
}
