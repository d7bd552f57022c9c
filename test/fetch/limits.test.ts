import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../src/dataset/layout.ts';
import type { ErrorRecord } from '../../src/errors.ts';
import { formatBytes } from '../../src/text.ts';
import { useChildren } from '../support/children.ts';
import { type Sample, destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { canInject, injecting } from '../support/inject.ts';
import { checkInvariants } from '../support/invariants.ts';
import { saying } from '../support/matchers.ts';
import { honest, useRawServers } from '../support/raw-server.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const children = useChildren('fetch-child.ts');
const small = sampleArchive('ChestDx-1.zip', { bytes: 300_000 });

/** Fetches in a process that a command starts, which limits or disturbs it; then without that. */
async function fetchUnder(before: readonly string[], samples: readonly Sample[]) {
  const root = await tempDir();
  const dest = destIn(root);
  const manifest = manifestOf(...samples);
  await writeFile(join(root, 'manifest.json'), JSON.stringify(manifest));
  const server = await serve(async (request, reply) => {
    const file = samples.find(({ name }) => request.path.endsWith(name));
    await reply.wait(20);
    await reply.send(honest(file?.bytes ?? Buffer.alloc(0), request));
  });
  const source = `${server.url}/{name}`;
  const args = [join(root, 'manifest.json'), source, dest, String(samples.length)];
  const child = await children.start(args, before);
  const said = await child.nextLine();
  const { code, stderr } = await child.ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  await checkInvariants({ dest, manifest });
  const finals = await listTree(layoutOf(dest).archives);
  const again = await run({ dest, manifest, sources: [source] });
  expect(again.exit).toBe(0);
  const { outcomes, ...error } = JSON.parse(said ?? '{}') as {
    readonly outcomes: readonly string[];
  } & Partial<ErrorRecord>;
  const total = samples.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const keptBytes = total - (again.result?.bytesDownloaded ?? 0);
  return { outcomes, error, message: error.message, dest, finals, keptBytes };
}

const limited = (limit: string) => ['bash', '-c', `${limit}; exec "$0" "$@"`];

describe('limits of the process', () => {
  it('#79 too few open files for so many at once: a clear error, and no half file', async () => {
    const many = Array.from({ length: 30 }, (_, n) =>
      sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 20_000 }),
    );
    const { outcomes, error, message } = await fetchUnder(limited('ulimit -n 40'), many);
    const allowed = new Set(['downloaded', 'process-limit', 'stopped', 'network']);
    expect(outcomes.filter((outcome) => !allowed.has(outcome))).toEqual([]);
    expect(outcomes).not.toEqual(many.map(() => 'downloaded'));
    expect(message).toMatch(/EMFILE/);
    expect(error.next).toContainEqual({ kind: 'advice', text: saying('ulimit -n 1024') });
  });

  it('#79 #210 with fewer at once they suffice', async () => {
    const many = Array.from({ length: 4 }, (_, n) =>
      sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 20_000 }),
    );
    const { outcomes } = await fetchUnder(limited('ulimit -n 40'), many);
    expect(outcomes).toEqual(many.map(() => 'downloaded'));
  });

  it('#74 a limit of the length of files: reported as a full disk, by its name', async () => {
    const big = sampleArchive('ChestDx-1.zip', { bytes: 3_000_000 });
    const ran = await fetchUnder(limited('ulimit -f 1000'), [big]);
    expect(ran.outcomes).toEqual(['disk-full']);
    expect(ran.message).toMatch(/^ChestDx-1\.zip: could not write .*EFBIG/);
    expect(ran.keptBytes).toBeGreaterThan(100_000);
    expect(ran.error).toMatchObject({
      file: big.name,
      kept: `${formatBytes(ran.keptBytes)} of it, in ${layoutOf(ran.dest).partial}`,
      next: [
        { text: saying(`free at least ${formatBytes(big.bytes.length - ran.keptBytes)} for`) },
        { kind: 'again' },
      ],
    });
  });
});

describe.skipIf(!canInject)('a disk that fails when it is asked to flush', () => {
  const big = sampleArchive('ChestDx-1.zip', { bytes: 10_000_000 });

  it('#60 #75 a whole download: it gets no final name, and nothing of it is relied on', async () => {
    const ran = await fetchUnder(injecting('fsync:error=EIO:when=1'), [small]);
    expect(ran.outcomes).toEqual(['disk-io']);
    expect(ran.message).toContain('EIO');
    expect(ran.finals).toEqual([]);
    // Asked again, the system says that all is well: it has forgotten what it lost.
    expect(ran.keptBytes).toBe(0);
  });

  it('#75 in the middle of a download: what was flushed before is all that is relied on', async () => {
    const ran = await fetchUnder(injecting('fdatasync:error=EIO:when=2'), [big]);
    expect(ran.outcomes).toEqual(['disk-io']);
    expect(ran.finals).toEqual([]);
    expect(ran.keptBytes).toBeLessThan(8_000_000);
  });

  it('#75 the folder, after the rename: reported as well, and the file is whole', async () => {
    const ran = await fetchUnder(injecting('fsync:error=EIO:when=2'), [small]);
    expect(ran.outcomes).toEqual(['disk-io']);
    expect(ran.finals).toEqual([small.name]);
  });

  it.each(['ENOTSUP', 'EINVAL', 'ENOTTY'])(
    '#76 %s: a file system that can not is no failure',
    async (errno) => {
      const error = errno === 'ENOTSUP' ? 'EOPNOTSUPP' : errno;
      for (const call of ['fsync', 'fdatasync']) {
        const ran = await fetchUnder(injecting(`${call}:error=${error}`), [big]);
        expect(ran.outcomes).toEqual(['downloaded']);
        expect(ran.finals).toEqual([big.name]);
      }
    },
  );
});
