import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { membersOf } from '../../src/dataset/member-index.ts';
import { fetchMembers } from '../../src/extract/fetch-members.ts';
import { openAtSource } from '../../src/ranges/open-ranged.ts';
import { withFetchRun } from '../support/downloads.ts';
import { manifestOf, noise, toSample } from '../support/fetching.ts';
import { useNginx } from '../support/nginx.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const nginx = useNginx();

test('fetches members of an archive without the others', async () => {
  const root = await tempDir();
  const contents = Array.from({ length: 40 }, (_, n) => likeJpeg(noise(`m${n}`, 20_000)));
  const zip = buildZip(
    contents.map((content, n) => ({ name: `ChestDx-1/patient${n}_000.jpg`, content })),
  );
  const sample = toSample('ChestDx-1.zip', zip, { kind: 'archive', category: 'ChestDx' });
  await writeFile(join(root, 'ChestDx-1.zip'), zip);
  const server = await nginx({ root });
  const dest = join(await tempDir(), 'data');
  const manifest = manifestOf(sample);
  const [file] = manifest.files;
  if (file === undefined) throw new Error('no file');
  await withFetchRun({ dest, manifest, sources: [server.url] }, async ({ session, downloads }) => {
    const { ranged } = await openAtSource(file, downloads);
    const { members } = await membersOf(file, ranged, session);
    expect(members).toHaveLength(40);
    const wanted = members.filter((_, n) => n % 10 < 2);
    const into = join(dest, 'out');
    await mkdir(into, { recursive: true });
    const faults = await fetchMembers(
      { file, ranged, members: wanted, into, connections: 4 },
      session,
    );
    expect(faults.damaged).toEqual([]);
    for (const [n, content] of contents.entries()) {
      if (n % 10 >= 2) continue;
      expect((await readFile(join(into, `patient${n}_000.jpg`))).equals(content)).toBe(true);
    }
  });
  const requests = await server.requests();
  expect(requests.filter(({ range }) => range !== '')).toHaveLength(6);
});
