import { lstat, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { joinDataset } from '../../src/join.ts';
import type { JoinOptions } from '../../src/labels/build-index.ts';
import { noLabels } from '../../src/labels/label-names.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { surroundings } from '../support/invariants.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

const CHEST = lines(
  CHEST_HEADER,
  chestRow('patient10_000.jpg', 'ChestDx-1', 'Mass', 'Effusion'),
  chestRow('patient10_001.jpg', 'ChestDx-1', 'No_finding'),
  chestRow('patient20_000.jpg', 'ChestDx-2', 'Edema'),
  chestRow('patient30_000.jpg', 'ChestDx-10', 'Pleural_thickening'),
  chestRow('patient40_000.jpg', 'ChestDx_PE-18', 'Pneumothorax', 'Atelectasis'),
  chestRow('patient99_000.jpg', 'ChestDx-51', 'Hernia'),
);
const COVID = lines('image,COVID-19', 'patient5_000.jpg,True', 'patient6_000.jpg,False');

const FILES: Readonly<Record<string, string>> = {
  'labels/chest_dx.csv': CHEST,
  'labels/viral_pneumonia_COVID-19.csv': COVID,
  'images/ChestDx-10/patient30_000.jpg': '',
  'images/ChestDx-1/patient10_001.jpg': '',
  'images/ChestDx-1/patient10_000.jpg': '',
  'images/ChestDx-2/patient20_000.jpg': '',
  'images/ChestDx_PE-18/patient40_000.jpg': '',
  'images/Normal-4/patient7_000.jpg': '',
  'images/Other-1/patient8_000.jpg': '',
  'images/Viral-1/patient5_000.jpg': '',
  'images/Viral-2/patient6_000.jpg': '',
};

const GOLDEN = `path,image,archive,subset,class,patient_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Effusion,Emphysema,Fibrosis,Hernia,Infiltration,Mass,Nodule,Pleural_Thickening,Pneumonia,Pneumothorax,No_Finding,COVID-19,check
images/ChestDx-1/patient10_000.jpg,patient10_000.jpg,ChestDx-1,chestdx,,patient10,0,0,0,0,1,0,0,0,0,1,0,0,0,0,0,,named
images/ChestDx-1/patient10_001.jpg,patient10_001.jpg,ChestDx-1,chestdx,,patient10,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,,named
images/ChestDx-2/patient20_000.jpg,patient20_000.jpg,ChestDx-2,chestdx,,patient20,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,,named
images/ChestDx-10/patient30_000.jpg,patient30_000.jpg,ChestDx-10,chestdx,,patient30,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,,named
images/ChestDx_PE-18/patient40_000.jpg,patient40_000.jpg,ChestDx_PE-18,chestdx-pe,,patient40,1,0,0,0,0,0,0,0,0,0,0,0,0,1,0,,named
images/Normal-4/patient7_000.jpg,patient7_000.jpg,Normal-4,cc-cxri-p,Normal,patient7,,,,,,,,,,,,,,,,,named
images/Other-1/patient8_000.jpg,patient8_000.jpg,Other-1,cc-cxri-p,Other,patient8,,,,,,,,,,,,,,,,,named
images/Viral-1/patient5_000.jpg,patient5_000.jpg,Viral-1,cc-cxri-p,COVID-19,patient5,,,,,,,,,,,,,,,,1,named
images/Viral-2/patient6_000.jpg,patient6_000.jpg,Viral-2,cc-cxri-p,Viral,patient6,,,,,,,,,,,,,,,,0,named
`;

/** As of an earlier run, which saw no image, and of an earlier ccxri, which wrote no `check`. */
const OLD_INDEX = `${(GOLDEN.split('\n')[0] ?? '').replace(/,check$/, '')}\n`;

async function dataset(files: Readonly<Record<string, string>> = FILES): Promise<string> {
  const dest = await tempDir();
  await writeTree(dest, files);
  return dest;
}

function run(dest: string, options: Partial<JoinOptions> = {}) {
  return joinDataset({ manifest, dest, ...options });
}

describe('index.csv', () => {
  it('is the join, byte by byte', async () => {
    const dest = await dataset();
    const events: RunEvent[] = [];
    const result = await run(dest, { onEvent: (event) => events.push(event) });
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(GOLDEN);
    expect(result).toEqual({
      path: join(dest, 'index.csv'),
      rows: 9,
      archives: [
        { file: 'ChestDx-1.zip', subsets: ['chestdx'], images: 2, membersKnown: false },
        { file: 'ChestDx-2.zip', subsets: ['chestdx'], images: 1, membersKnown: false },
        { file: 'ChestDx-10.zip', subsets: ['chestdx'], images: 1, membersKnown: false },
        { file: 'ChestDx_PE-18.zip', subsets: ['chestdx-pe'], images: 1, membersKnown: false },
        { file: 'Normal-4.zip', subsets: ['cc-cxri-p', 'normal'], images: 1, membersKnown: false },
        { file: 'Other-1.zip', subsets: ['cc-cxri-p', 'other'], images: 1, membersKnown: false },
        { file: 'Viral-1.zip', subsets: ['cc-cxri-p', 'viral'], images: 1, membersKnown: false },
        { file: 'Viral-2.zip', subsets: ['cc-cxri-p', 'viral'], images: 1, membersKnown: false },
      ],
      classes: { Normal: 1, Viral: 1, 'COVID-19': 1, Other: 1, none: 5 },
      rowsWithLabels: 5,
      labels: {
        ...noLabels(),
        ...{
          Atelectasis: 1,
          Edema: 1,
          Effusion: 1,
          Mass: 1,
          Pleural_Thickening: 1,
          Pneumothorax: 1,
        },
        ...{ No_Finding: 1, 'COVID-19': 1 },
      },
      remarks: [],
      rowsOfAbsentArchives: 1,
    });
    expect(events).toEqual([{ event: 'index-written', path: join(dest, 'index.csv'), rows: 9 }]);
  });

  it('is the same again, also over an older one and after a move', async () => {
    const dest = await dataset({ ...FILES, 'index.csv': OLD_INDEX });
    await run(dest);
    const moved = join(await tempDir(), 'elsewhere');
    await rename(dest, moved);
    await run(moved);
    expect(await readFile(join(moved, 'index.csv'), 'utf8')).toBe(GOLDEN);
    expect(await listTree(join(moved, '.ccxri'))).toEqual([]);
  });

  it.each([
    { name: 'an empty file', content: '' },
    { name: 'one that a spreadsheet has saved', content: `\uFEFF${OLD_INDEX.trim()}\r\nx\r\n` },
  ])('comes over $name', async ({ content }) => {
    const dest = await dataset({ ...FILES, 'index.csv': content });
    await run(dest);
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(GOLDEN);
  });

  it.each(['mine.txt', 'nowhere.txt', '.'])(
    'takes the place of a link to ../%s, and is not written through it',
    async (name) => {
      const root = await tempDir();
      await writeTree(root, { 'mine.txt': OLD_INDEX });
      await writeTree(join(root, 'ds'), FILES);
      await symlink(join('..', name), join(root, 'ds', 'index.csv'));
      const before = await surroundings(join(root, 'ds'));
      await run(join(root, 'ds'));
      expect((await lstat(join(root, 'ds', 'index.csv'))).isFile()).toBe(true);
      expect(await readFile(join(root, 'ds', 'index.csv'), 'utf8')).toBe(GOLDEN);
      expect(await surroundings(join(root, 'ds'))).toEqual(before);
    },
  );

  it('goes through a link that the user has named as --output', async () => {
    const dest = await dataset({ ...FILES, 'target.csv': 'old' });
    await symlink('target.csv', join(dest, 'link.csv'));
    await run(dest, { output: join(dest, 'link.csv') });
    expect(await readFile(join(dest, 'target.csv'), 'utf8')).toBe(GOLDEN);
  });

  it('holds what is here without any label file, and says what is lacking', async () => {
    const images = Object.entries(FILES).filter(([path]) => !path.startsWith('labels/'));
    const dest = await dataset(Object.fromEntries(images));
    const events: RunEvent[] = [];
    const result = await run(dest, { onEvent: (event) => events.push(event) });
    const rows = (await readFile(join(dest, 'index.csv'), 'utf8')).split('\n');
    expect(rows).toContain(
      `images/Viral-1/patient5_000.jpg,patient5_000.jpg,Viral-1,cc-cxri-p,,patient5${','.repeat(16)},named`,
    );
    expect(result.remarks).toMatchObject([
      { kind: 'no-label-file', file: 'chest_dx.csv', count: 5, strict: true },
      { kind: 'no-label-file', file: 'viral_pneumonia_COVID-19.csv', count: 2, strict: true },
    ]);
    expect(events).toMatchObject([
      { event: 'warning', code: 'no-label-file', file: 'chest_dx.csv' },
      { event: 'warning', code: 'no-label-file', file: 'viral_pneumonia_COVID-19.csv' },
      { event: 'index-written', rows: 9 },
    ]);
  });
});

describe('what lies under images/', () => {
  it('is indexed where it is an image of an archive, and told where not', async () => {
    const dest = await dataset({
      ...FILES,
      'images/Normal-4/fab922a8-736e-4cb5-a666-4fd849a3049a.txt': '',
      'images/Normal-4/._patient7_000.jpg': '',
      'images/Normal-4/__MACOSX/patient7_000.jpg': '',
      'images/Normal-4/deeper/patient9_000.PNG': '',
      'images/Normal-40/patient7_000.jpg': '',
      'images/readme.jpg': '',
    });
    const events: RunEvent[] = [];
    const result = await run(dest, { onEvent: (event) => events.push(event) });
    const text = await readFile(join(dest, 'index.csv'), 'utf8');
    expect(text.split('\n').filter((row) => row.includes('Normal-4'))).toEqual([
      `images/Normal-4/patient7_000.jpg,patient7_000.jpg,Normal-4,cc-cxri-p,Normal,patient7${','.repeat(16)},named`,
      `images/Normal-4/deeper/patient9_000.PNG,patient9_000.PNG,Normal-4,cc-cxri-p,Normal,patient9${','.repeat(16)},named`,
    ]);
    expect(result.rows).toBe(10);
    expect(result.remarks).toEqual([
      {
        kind: 'stray-file',
        count: 4,
        examples: [
          'Normal-4/._patient7_000.jpg',
          'Normal-4/__MACOSX',
          'Normal-4/fab922a8-736e-4cb5-a666-4fd849a3049a.txt',
          'readme.jpg',
        ],
        strict: false,
      },
      { kind: 'unknown-folder', count: 1, examples: ['Normal-40'], strict: false },
    ]);
    expect(events.map((event) => ('code' in event ? event.code : event.event))).toEqual([
      'join-remark',
      'unknown-folder',
      'index-written',
    ]);
  });

  it('may be links to another disk, but no circle is walked', async () => {
    const dest = await dataset();
    const other = await tempDir();
    await rename(join(dest, 'images', 'ChestDx-1'), join(other, 'ChestDx-1'));
    await symlink(join(other, 'ChestDx-1'), join(dest, 'images', 'ChestDx-1'));
    await rename(join(dest, 'images/Normal-4/patient7_000.jpg'), join(other, 'image.jpg'));
    await symlink(join(other, 'image.jpg'), join(dest, 'images/Normal-4/patient7_000.jpg'));
    await symlink('..', join(dest, 'images/Other-1/round'));
    await symlink('nowhere.jpg', join(dest, 'images/Other-1/dangling_000.jpg'));
    const result = await run(dest);
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(GOLDEN);
    expect(result.remarks).toMatchObject([
      { kind: 'stray-file', examples: ['Other-1/dangling_000.jpg', 'Other-1/round'] },
    ]);
  });
});

describe('--output', () => {
  it('leaves the dataset as it was', async () => {
    const dest = await dataset();
    const before = await listTree(dest);
    const output = join(await tempDir(), 'part.csv');
    const result = await run(dest, { output });
    expect(result.path).toBe(output);
    expect(await readFile(output, 'utf8')).toBe(GOLDEN);
    expect(await listTree(dest)).toEqual(before);
  });

  it('is refused as stdout, and where there is no directory for it', async () => {
    const dest = await dataset();
    const elsewhere = await tempDir();
    await writeFile(join(elsewhere, 'afile'), '');
    for (const output of ['-', join(elsewhere, 'new', 'part.csv'), join(elsewhere, 'afile', 'x')]) {
      await expect(run(dest, { output })).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringMatching(/stdout|there is no directory/) as string,
      });
    }
    expect(await listTree(elsewhere)).toEqual(['afile']);
  });

  it('may hold a selection: of the rest nothing is counted and nothing told', async () => {
    const output = join(await tempDir(), 'part.csv');
    const twice = CHEST + lines(chestRow('patient20_000.jpg', 'ChestDx-2', 'Edema'));
    const dest = await dataset({
      ...FILES,
      'labels/chest_dx.csv': twice,
      'images/readme.txt': '',
      'images/Unknown-1/patient1_000.jpg': '',
    });
    const of = (...subsets: readonly string[]) => run(dest, { output, selection: { subsets } });
    expect(await of('viral')).toMatchObject({ rows: 2, rowsOfAbsentArchives: 0, remarks: [] });
    const [header = '', ...rows] = GOLDEN.split('\n');
    const wanted = rows.filter((row) => row.includes('Viral'));
    expect(await readFile(output, 'utf8')).toBe(lines(header, ...wanted));
    // ChestDx-51 is asked for, and not here.
    expect(await of('chestdx')).toMatchObject({
      rows: 4,
      rowsOfAbsentArchives: 1,
      remarks: [{ kind: 'repeated-row', file: 'chest_dx.csv', count: 1 }],
    });
  });

  it('does not take rows for missing images that may be of an archive not selected', async () => {
    const output = join(await tempDir(), 'part.csv');
    const one = await run(await dataset(), { output, selection: { files: ['Viral-1'] } });
    expect(one).toMatchObject({ rows: 1, rowsOfAbsentArchives: 0, remarks: [] });
    const dest = await dataset();
    await rm(join(dest, 'images/Viral-2'), { recursive: true });
    const half = await run(dest, { output, selection: { subsets: ['viral'] } });
    expect(half).toMatchObject({ rows: 1, rowsOfAbsentArchives: 1, remarks: [] });
    const whole = await run(dest, { output });
    expect(whole).toMatchObject({ rows: 8, rowsOfAbsentArchives: 2 });
  });

  it('says so where no image of the selection is here', async () => {
    const output = join(await tempDir(), 'part.csv');
    const selection = { files: ['Normal-1'] };
    await expect(run(await dataset(), { output, selection })).rejects.toMatchObject({
      code: 'missing',
      message: saying('there are no images of the selection to index'),
    });
  });

  it('is refused where a directory lies', async () => {
    const dest = await dataset();
    const output = await tempDir();
    await expect(run(dest, { output })).rejects.toMatchObject({ code: 'usage' });
    expect(await listTree(output)).toEqual([]);
  });
});

describe('refuses', () => {
  it.each([
    { name: 'a missing column', csv: CHEST.replace(',Mass', ',Mess'), line: 1 },
    { name: 'a doubled header', csv: CHEST.replace('Edema', 'Mass'), line: 1 },
    { name: 'a ragged row', csv: CHEST.replace(/,0\n/, '\n'), line: 2 },
    { name: 'a bad cell', csv: CHEST.replace(/,0\n/, ',?\n'), line: 2 },
    { name: 'an empty file', csv: '', line: undefined },
  ])('$name, and the older index stays', async ({ csv, line }) => {
    const dest = await dataset({ ...FILES, 'labels/chest_dx.csv': csv, 'index.csv': OLD_INDEX });
    await expect(run(dest)).rejects.toMatchObject({
      code: 'labels-invalid',
      message: expect.stringContaining('chest_dx.csv') as string,
      next: nextSaying('ccxri fetch --file chest_dx.csv'),
      facts: {
        path: join(dest, 'labels', 'chest_dx.csv'),
        ...(line === undefined ? {} : { line }),
      },
    });
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(OLD_INDEX);
    expect(await listTree(dest)).not.toContain('.ccxri');
  });

  it('a directory in the place of a label file', async () => {
    const dest = await dataset();
    await rm(join(dest, 'labels/chest_dx.csv'));
    await mkdir(join(dest, 'labels/chest_dx.csv'));
    await expect(run(dest)).rejects.toMatchObject({ code: 'labels-invalid' });
  });

  it.each([
    { name: 'no directory', files: { 'elsewhere/x': '' }, dest: 'nothing' },
    { name: 'a file', files: { file: '' }, dest: 'file' },
    { name: 'no images/', files: { 'ds/labels/chest_dx.csv': CHEST }, dest: 'ds' },
    {
      name: 'folders of nobody',
      files: { 'ds/images/Mine/a.jpg': '', 'ds/index.csv': OLD_INDEX },
      dest: 'ds',
    },
  ])('a dataset directory with $name as missing', async ({ files, dest }) => {
    const root = await dataset(files);
    const before = await listTree(root);
    const joining = run(join(root, dest));
    await expect(joining).rejects.toMatchObject({
      code: 'missing',
      next: nextSaying('ccxri fetch --subset'),
    });
    expect(await listTree(root)).toEqual(before);
  });

  it('a selection without --output, and a name that is none', async () => {
    const dest = await dataset();
    const one = run(dest, { selection: { subsets: ['viral'] } });
    await expect(one).rejects.toMatchObject({ code: 'usage' });
    const other = run(dest, { selection: { subsets: ['virral'] }, output: join(dest, 'x.csv') });
    await expect(other).rejects.toMatchObject({ code: 'unknown-subset' });
    expect(await listTree(dest)).not.toContain('index.csv');
  });

  it('to go on when stopped', async () => {
    const dest = await dataset({ ...FILES, 'index.csv': OLD_INDEX });
    const joining = run(dest, { signal: AbortSignal.abort() });
    await expect(joining).rejects.toMatchObject({ code: 'aborted' });
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(OLD_INDEX);
  });

  it.each([
    { name: 'notes of the user', content: 'mine\n' },
    { name: 'another table', content: 'path,image,archive\nimages/a.jpg,a.jpg,a\n' },
    { name: 'a header and more', content: `${OLD_INDEX.trim()},note\n` },
    { name: 'a header without a line end', content: OLD_INDEX.trim() },
    { name: 'bytes of no text', content: '\u0000\u0001' },
  ])('to replace an index.csv that is not its own: $name', async ({ content }) => {
    const dest = await dataset({ ...FILES, 'index.csv': content });
    const refusal = {
      code: 'occupied',
      facts: { path: join(dest, 'index.csv') },
      next: nextSaying('ccxri join --output'),
    };
    await expect(run(dest)).rejects.toMatchObject(refusal);
    await expect(run(dest, { dryRun: true })).rejects.toMatchObject(refusal);
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(content);
    // The ways on that the hint names.
    await run(dest, { output: join(dest, 'other.csv') });
    expect(await readFile(join(dest, 'other.csv'), 'utf8')).toBe(GOLDEN);
    await rename(join(dest, 'index.csv'), join(dest, 'mine.csv'));
    await run(dest);
    expect(await readFile(join(dest, 'index.csv'), 'utf8')).toBe(GOLDEN);
  });

  it('to replace a directory named index.csv', async () => {
    const dest = await dataset();
    await mkdir(join(dest, 'index.csv'));
    await writeFile(join(dest, 'index.csv', 'mine'), '');
    await expect(run(dest)).rejects.toMatchObject({ code: 'occupied' });
    expect(await listTree(join(dest, 'index.csv'))).toEqual(['mine']);
  });
});
