import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { finalPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { joinDataset } from '../../src/join.ts';
import { isPlausibleSize, windowOf } from '../../src/manifest/size.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { destIn, manifestOf, md5Of, run, sampleLabels } from '../support/fetching.ts';
import { answer, chunked, honest, useRawServers, whole } from '../support/raw-server.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

/** 64 MiB, packed. */
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
const rowOf = (n: number) => chestRow(`patient${1000 + n}_000.jpg`, 'ChestDx-1');
// About as long as the bomb, so that its length gives nothing away.
const rows = Math.ceil((bomb.length - CHEST_HEADER.length) / (rowOf(0).length + 1));
const text = lines(CHEST_HEADER, ...Array.from({ length: rows }, (_, n) => rowOf(n)));
const csv = sampleLabels('chest_dx.csv', text);
const manifest = manifestOf(csv);

describe('#32 a label file that would unpack to a thousand times its length', () => {
  it.each([
    { name: 'said to be in gzip', reply: whole(bomb, { 'Content-Encoding': 'gzip' }) },
    {
      name: 'said to be in gzip, twice',
      reply: whole(gzipSync(bomb), { 'Content-Encoding': 'gzip, gzip' }),
    },
    {
      name: 'in gzip, without a length',
      reply: chunked([bomb], { headers: { 'Content-Encoding': 'gzip' } }),
    },
    { name: 'in gzip, and not said to be', reply: answer(200, bomb) },
  ])(
    '$name: is unpacked no further than it may be long, and nothing stays',
    async ({ reply: bytes }) => {
      expect(isPlausibleSize(manifest.files[0]!, bomb.length)).toBe(true);
      const server = await serve((_, reply) => reply.send(bytes));
      const dest = destIn(await tempDir());
      const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`], retries: 1 });
      expect(ran.outcomes).toEqual(['not-the-file']);
      expect(ran.exit).toBe(9);
      expect(ran.result?.bytesDownloaded).toBeLessThanOrEqual(bomb.length);
      const written = ran.events.map((event) => (event.event === 'progress' ? event.doneBytes : 0));
      expect(Math.max(...written)).toBeLessThanOrEqual(windowOf(manifest.files[0]!).maxBytes);
      expect(server.requests).toHaveLength(1);
      expect(await listTree(join(dest, 'labels'))).toEqual([]);
      expect(await listTree(layoutOf(dest).partial)).toEqual([]);
      expect(new Set(server.requests.map(({ headers }) => headers['accept-encoding']))).toEqual(
        new Set(['identity']),
      );
    },
  );
});

describe('#149 a label file that ends at the end of a line, too early', () => {
  const cut = Buffer.from(text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1));

  it('reads as one that is whole, but does not pass on its way here', async () => {
    const server = await serve((request, reply) => reply.send(honest(cut, request)));
    const dest = destIn(await tempDir());
    const ran = await run({ dest, manifest, sources: [`${server.url}/{name}`] });
    expect(ran.outcomes).toEqual(['md5-mismatch']);
    expect(ran.exit).toBe(3);
    expect(ran.result?.outcomes[0]?.error?.facts.found).toBe(`MD5 ${md5Of(cut)}`);
    expect(await listTree(join(dest, 'labels'))).toEqual([]);
  });

  it('is found by verify where it lies, which the join alone can not', async () => {
    const dest = destIn(await tempDir());
    await writeTree(dest, { 'images/ChestDx-1/patient1000_000.jpg': '' });
    const path = finalPathOf(layoutOf(dest), { kind: 'labels', name: csv.name });
    await writeTree(dest, { [`labels/${csv.name}`]: cut });
    await expect(joinDataset({ manifest: withArchive(), dest })).resolves.toMatchObject({
      rows: 1,
    });
    const { outcomes } = await verifyDataset({ manifest, dest });
    expect(outcomes).toMatchObject([{ file: csv.name, status: 'bad' }]);
    await writeFile(path, text);
    const again = await verifyDataset({ manifest, dest });
    expect(again.outcomes).toMatchObject([{ file: csv.name, status: 'verified' }]);
    expect(await readFile(path, 'utf8')).toBe(text);
  });
});

/** The join wants an archive whose images are here. */
function withArchive() {
  const archive = { name: 'ChestDx-1.zip', kind: 'archive', category: 'ChestDx' } as const;
  const file = { ...archive, subsets: ['chestdx'], size: '1K', md5: '0'.repeat(32) };
  return manifestOf(csv, { name: archive.name, bytes: Buffer.alloc(0), file });
}
