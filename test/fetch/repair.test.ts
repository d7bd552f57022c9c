import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { archiveOf, damageAfterFetch, flipped, memberName } from '../support/damaged.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

const archive = archiveOf('ChestDx-1.zip', { members: 20, bytes: 100_000 });
const manifest = manifestOf(archive);
const FINAL = `archives/${archive.name}`;

async function setUp(damaged: Buffer, served = archive.bytes) {
  const root = await tempDir();
  await writeFile(join(root, archive.name), archive.bytes);
  const server = await nginx({ root });
  const dest = destIn(await tempDir());
  await mkdir(join(dest, '..'));
  const setup = { dest, manifest, sources: [server.url] };
  await damageAfterFetch(dest, archive, setup.sources, damaged);
  await writeFile(join(root, archive.name), served);
  const before = (await server.requests()).length;
  const fetched = async () => {
    const requests = (await server.requests()).slice(before);
    // The first shows only what the source is.
    return requests.filter(({ range }) => range !== '' && range !== 'bytes=0-255');
  };
  return { setup, dest, fetched };
}

/** In the middle of a member's bytes. */
const inside = (member: number) => member * 100_050 + 50_000;

it('fetches the damaged members of an archive that had passed, and nothing else', async () => {
  const { setup, dest, fetched } = await setUp(flipped(archive.bytes, inside(3), inside(11)));
  const ran = await run(setup);
  expect(ran.outcomes).toEqual(['repaired']);
  expect(ran.result?.outcomes[0]).toMatchObject({
    status: 'verified',
    repair: {
      badMembers: [memberName(3), memberName(11)],
      isDirectoryBad: false,
      wholeBecause: null,
    },
  });
  expect((await readFile(join(dest, FINAL))).equals(archive.bytes)).toBe(true);
  const bytes = (await fetched()).reduce((sum, request) => sum + request.bytes, 0);
  // Two members, and the last 64 KiB with the directory.
  expect(bytes).toBeLessThan(2 * 101_000 + 66_000);
  expect(ran.result?.outcomes[0]?.repair?.fetchedBytes).toBe(bytes);
  expect((await listTree(join(dest, '.ccxri', 'partial'))).length).toBe(0);
});
