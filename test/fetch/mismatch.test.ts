import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { finalPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { verifyDataset } from '../../src/verify/verify-dataset.ts';
import { destIn, manifestOf, noise, run, toSample } from '../support/fetching.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const members = ['patient1_000.jpg', 'patient2_000.jpg'].map((name) => ({
  name,
  content: Buffer.concat([
    Buffer.from('ffd8ff', 'hex'),
    noise(name, 50_000),
    Buffer.from('ffd9', 'hex'),
  ]),
}));
const facts = { kind: 'archive', category: 'ChestDx' };
const published = toSample('ChestDx-1.zip', buildZip(members), facts);
const packedAnew = buildZip([...members].reverse());

async function fetchFrom(name: string, bytes: Uint8Array, file = published) {
  const root = await tempDir();
  await writeTree(root, { [`mirror/${name}`]: bytes });
  const ran = await run({
    dest: destIn(root),
    manifest: manifestOf(file),
    sources: [`${root}/mirror`],
  });
  const [error] = (ran.result?.outcomes ?? []).map((outcome) => outcome.error);
  return { ran, message: error?.message };
}

describe('#208 the same members, packed anew', () => {
  it('are told from a damaged archive, as far as they show it themselves', async () => {
    const { ran, message } = await fetchFrom(published.name, packedAnew);
    expect(ran.exit).toBe(3);
    expect(message).toContain(
      'every member is right by its own CRC-32: the archive is packed anew',
    );
  });

  it('are known for what they are where the published archive has been extracted', async () => {
    const root = await tempDir();
    await writeTree(root, { [`mirror/${published.name}`]: published.bytes });
    const setup = { dest: destIn(root), manifest: manifestOf(published) };
    const ran = await run({ ...setup, sources: [`${root}/mirror`], extract: true, join: false });
    expect(ran.exit).toBe(0);
    const file = { kind: 'archive', name: published.name } as const;
    await writeFile(finalPathOf(layoutOf(setup.dest), file), packedAnew);
    const { outcomes } = await verifyDataset(setup);
    expect(outcomes).toMatchObject([
      {
        status: 'bad',
        error: {
          code: 'md5-mismatch',
          message:
            'ChestDx-1.zip is not the published file: every member is right, the archive is packed anew',
        },
      },
    ]);
  });

  it('a damaged archive is not called so', async () => {
    const damaged = Buffer.from(published.bytes);
    damaged.writeUInt8(damaged.readUInt8(30_000) ^ 1, 30_000);
    const { ran, message } = await fetchFrom(published.name, damaged);
    expect(ran.exit).toBe(3);
    expect(message).toBe('ChestDx-1.zip is not the published file');
  });
});

describe('#209 an archive of CC-CCII under the name of one of ours', () => {
  const scans = (count: number) =>
    buildZip(
      Array.from({ length: count }, (_, n) => ({
        name: `Normal/${1000 + n}/${70 + n}/0001.jpg`,
        content: noise(`scan ${n}`, 20_000),
      })),
    );
  const wanted = { ...facts, category: 'CC-CXRI-P', subsets: ['normal', 'cc-cxri-p'] };

  it.each([
    { name: 'of a plausible length', bytes: scans(5) },
    { name: 'of another length', bytes: scans(1) },
  ])('$name: code 3, and what it looks like', async ({ bytes }) => {
    const normal = toSample('Normal-1.zip', noise('the published one', scans(5).length), wanted);
    const { ran, message } = await fetchFrom(normal.name, bytes, normal);
    expect(ran.exit).toBe(3);
    expect(message).toContain("looks like CC-CCII's (Normal/<patient>/<scan>/)");
  });
});
