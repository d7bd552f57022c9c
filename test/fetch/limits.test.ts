import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useChildren } from '../support/children.ts';
import { useTempDirs } from '../support/csv.ts';
import { destIn, manifestOf, run, sampleArchive, type Sample } from '../support/fetching.ts';
import { checkInvariants } from '../support/invariants.ts';
import { honest, useRawServers } from '../support/raw-server.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const children = useChildren('fetch-child.ts');

/** Fetches in a process under limits, then without them. */
async function fetchUnder(limit: string, samples: readonly Sample[]) {
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
  const child = await children.start(args, ['bash', '-c', `${limit}; exec "$0" "$@"`]);
  const said = await child.nextLine();
  const { code, stderr } = await child.ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  await checkInvariants({ dest, manifest });
  const again = await run({ dest, manifest, sources: [source] });
  expect(again.exit).toBe(0);
  const { outcomes, message } = JSON.parse(said ?? '{}') as {
    readonly outcomes: readonly string[];
    readonly message?: string;
  };
  return { outcomes, message };
}

describe('limits of the process', () => {
  it('#79 too few open files for so many at once: a clear error, and no half file', async () => {
    const many = Array.from({ length: 30 }, (_, n) =>
      sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 20_000 }),
    );
    const { outcomes, message } = await fetchUnder('ulimit -n 40', many);
    const allowed = new Set(['downloaded', 'disk-io', 'stopped', 'network']);
    expect(outcomes.filter((outcome) => !allowed.has(outcome))).toEqual([]);
    expect(outcomes).not.toEqual(many.map(() => 'downloaded'));
    expect(message).toMatch(/EMFILE/);
  });

  it('#74 a limit of the length of files: told as a full disk, by its name', async () => {
    const big = sampleArchive('ChestDx-1.zip', { bytes: 3_000_000 });
    const { outcomes, message } = await fetchUnder('ulimit -f 1000', [big]);
    expect(outcomes).toEqual(['disk-full']);
    expect(message).toContain('EFBIG');
  });
});
