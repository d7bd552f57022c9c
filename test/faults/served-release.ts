import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { hasNginx, startNginx, type Nginx, type NginxOptions } from '../support/nginx.ts';
import type { StandIn } from '../support/stand-in.ts';

export interface ServedRelease {
  /** A temporary one, for what the tests make. */
  readonly directory: string;
  readonly release: StandIn;
  readonly nginx: Nginx;
}

/** A release that nginx serves to all tests of a file; nothing, where nginx is not here. */
export function useServedRelease(
  make: (directory: string) => Promise<StandIn>,
  options: Omit<NginxOptions, 'root'> = {},
): () => ServedRelease {
  let served: ServedRelease | undefined;
  beforeAll(async () => {
    if (!hasNginx) return;
    const directory = await mkdtemp(join(tmpdir(), 'ccxri-served-'));
    const release = await make(join(directory, 'release'));
    const nginx = await startNginx({ root: release.directory, ...options });
    served = { directory, release, nginx };
  }, 120_000);
  afterAll(async () => {
    await served?.nginx.stop();
    if (served !== undefined) await rm(served.directory, { recursive: true, force: true });
  });
  return () => {
    if (served === undefined) throw new Error('nginx is not here');
    return served;
  };
}
