import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinDataset } from '../../src/join.ts';
import { parseCsv } from '../support/csv.ts';
import { type Dataset, makeDataset } from '../support/dataset.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** Images of a Normal archive and of one of ChestDx, extracted; their names, sorted. */
async function make() {
  const directory = await tempDir();
  const dataset = await makeDataset(directory, { extracted: ['ChestDx-1', 'Normal-4'] });
  const manifest = join(directory, 'manifest.json');
  await writeFile(manifest, JSON.stringify(dataset.manifest));
  const namesOf = (archive: string) =>
    dataset.release.images
      .filter((image) => image.archive === archive)
      .map(({ name }) => name)
      .sort();
  const run = (...argv: readonly string[]) =>
    runCli([...argv, '--dest', dataset.root, '--manifest', manifest]);
  return { dataset, run, chest: namesOf('ChestDx-1'), normal: namesOf('Normal-4') };
}

/** What users leave in the folders: copies of images, and a text with an image's name. */
async function addFiles({ dataset, chest: [first = ''], normal: [other = ''] }: Made) {
  const [chest, normal] = [dataset.imagesOf('ChestDx-1'), dataset.imagesOf('Normal-4')];
  const copy = first.replace('.jpg', ' (1).jpg');
  await copyFile(join(chest, first), join(chest, copy));
  await copyFile(join(normal, other), join(normal, `Copy of ${other}`));
  await writeFile(join(normal, 'patient9_000.jpg'), 'a note');
  await mkdir(join(normal, 'backup'));
  await copyFile(join(normal, other), join(normal, 'backup', other));
  return [
    `ChestDx-1/${copy}`,
    `Normal-4/Copy of ${other}`,
    `Normal-4/backup/${other}`,
    'Normal-4/patient9_000.jpg',
  ];
}

type Made = Awaited<ReturnType<typeof make>>;

async function indexed({ root, manifest }: Dataset) {
  const result = await joinDataset({ manifest, dest: root });
  const rows = parseCsv(await readFile(join(root, 'index.csv'), 'utf8'));
  const paths = rows.map((row) => (row['path'] ?? '').slice('images/'.length));
  // The stand-in release has others, which are not strict: a stray file, rows of an archive nobody has.
  return { result, paths, remarks: result.remarks.filter(({ strict }) => strict) };
}

const pathsOf = ({ chest, normal }: Made) => [
  ...chest.map((name) => `ChestDx-1/${name}`),
  ...normal.map((name) => `Normal-4/${name}`),
];

describe('images that no archive has', () => {
  it('have no row, and are a remark', async () => {
    const made = await make();
    const added = await addFiles(made);
    const { result, paths, remarks } = await indexed(made.dataset);
    expect(paths).toEqual(pathsOf(made));
    expect(remarks).toEqual([
      { kind: 'unexpected-image', count: 4, examples: added, strict: true },
    ]);
    expect(result.archives).toEqual([
      {
        file: 'ChestDx-1.zip',
        subsets: ['chestdx'],
        images: made.chest.length,
        membersKnown: true,
      },
      {
        file: 'Normal-4.zip',
        subsets: ['cc-cxri-p', 'normal'],
        images: made.normal.length,
        membersKnown: true,
      },
    ]);
  });

  it('are shown with all names and what to do; code 8 with --strict alone', async () => {
    const made = await make();
    const added = await addFiles(made);
    const { code, stdout } = await run(made, 'join');
    expect(code).toBe(0);
    const text =
      '4 images are in the folder of an archive that does not have them: no row in the index ' +
      `(${added.join(', ')}); move them out of images/`;
    expect(stdout.replace(/\s+/g, ' ')).toContain(text);
    const strict = await run(made, 'join', '--strict');
    expect(strict.code).toBe(8);
    expect(strict.stderr).toContain(added.at(-1));
  });

  it('are all listed by verify --deep: no damage, and code 8 with --strict', async () => {
    const made = await make();
    const added = (await addFiles(made)).map((path) => `images/${path}`);
    await writeFile(join(made.dataset.imagesOf('ChestDx-1'), 'notes.txt'), 'mine');
    const deep = documentOf((await run(made, 'verify', '--deep', '--json')).stdout);
    expect(deep).toMatchObject({ exitCode: 0, counts: { verified: deep.counts['files'] } });
    expect(deep.result).toMatchObject({
      outcomes: expect.arrayContaining([
        expect.objectContaining({
          file: 'Normal-4.zip',
          status: 'verified',
          unexpectedFiles: added.slice(1),
        }),
      ]) as unknown,
    });
    const { stdout } = await run(made, 'verify', '--deep');
    for (const path of [...added, 'images/ChestDx-1/notes.txt']) expect(stdout).toContain(path);
    const strict = documentOf((await run(made, 'verify', '--deep', '--strict', '--json')).stdout);
    expect(strict).toMatchObject({
      exitCode: 8,
      errors: [
        {
          code: 'remarks',
          reasons: added,
          next: [{ kind: 'advice', text: 'move them out of images/' }],
        },
      ],
    });
    // Where the archives are gone, the ledger has their members.
    await rm(made.dataset.layout.archives, { recursive: true });
    expect((await run(made, 'verify', '--deep', '--strict')).code).toBe(8);
  });
});

function run({ run: runIt }: Made, ...argv: readonly string[]) {
  return runIt(...argv);
}

it('a file beside the images that is no image is no matter of --strict', async () => {
  const made = await make();
  await writeFile(join(made.dataset.imagesOf('Normal-4'), 'notes.txt'), 'mine');
  await writeFile(join(made.dataset.imagesOf('Normal-4'), '._patient1_000.jpg'), 'of macOS');
  for (const command of [['join'], ['verify', '--deep']]) {
    expect((await made.run(...command, '--strict')).code).toBe(0);
  }
});

it('without the members in the ledger every image counts, as of folders of other tools', async () => {
  const made = await make();
  const added = await addFiles(made);
  await rm(join(made.dataset.layout.ledger, 'Normal-4.members.json'));
  const { result, paths, remarks } = await indexed(made.dataset);
  expect(paths).toHaveLength(made.chest.length + made.normal.length + 3);
  expect(result.archives.map(({ membersKnown }) => membersKnown)).toEqual([true, false]);
  expect(remarks).toMatchObject([
    { kind: 'unexpected-image', examples: [added[0]] },
    { kind: 'repeated-image', count: 1 },
  ]);
});

it('a record of some members alone says nothing of other images', async () => {
  const made = await make();
  const { ledger } = made.dataset;
  const record = await ledger.readMembers('Normal-4.zip');
  const members = record?.members.slice(0, 1) ?? [];
  await ledger.writeMembers({ ...record!, isComplete: false, md5: null, members });
  const { paths, remarks } = await indexed(made.dataset);
  expect(paths).toEqual(pathsOf(made));
  expect(remarks).toEqual([]);
});

it('an image that was left out as damaged is none that the archive has', async () => {
  const made = await make();
  const [bad = '', ...good] = made.normal;
  const { ledger } = made.dataset;
  const record = await ledger.readMembers('Normal-4.zip');
  const members = record?.members.filter(({ path }) => path !== bad) ?? [];
  const damaged = [{ path: bad, why: 'its CRC-32 is wrong' }];
  await ledger.writeMembers({ ...record!, isComplete: false, damaged, members });
  const { paths, remarks } = await indexed(made.dataset);
  expect(paths.filter((path) => path.startsWith('Normal'))).toEqual(
    good.map((name) => `Normal-4/${name}`),
  );
  expect(remarks.map(({ kind }) => kind)).toEqual(['unexpected-image', 'damaged-member']);
});

it('images that were moved, converted, or renamed by a disk are still of their archive', async () => {
  const made = await make();
  const [first = '', second = '', third = '', ...others] = made.normal;
  const folder = made.dataset.imagesOf('Normal-4');
  await mkdir(join(folder, 'train'));
  await rename(join(folder, first), join(folder, 'train', first));
  await rename(join(folder, second), join(folder, second.replace('.jpg', '.png')));
  await rename(join(folder, third), join(folder, third.toUpperCase()));
  const { paths, remarks } = await indexed(made.dataset);
  expect(paths.filter((path) => path.startsWith('Normal')).sort()).toEqual(
    [`train/${first}`, second.replace('.jpg', '.png'), third.toUpperCase(), ...others]
      .map((name) => `Normal-4/${name}`)
      .sort(),
  );
  expect(remarks).toEqual([]);
});
