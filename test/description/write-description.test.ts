import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DESCRIPTION_FILES, writeDescription } from '../../src/description/write-description.ts';
import type { RunEvent } from '../../src/events.ts';
import { joinDataset } from '../../src/join.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines, parseCsv } from '../support/csv.ts';
import { describedExport } from '../support/described.ts';
import { faultsOf } from '../support/description-schemas.ts';
import { saying } from '../support/matchers.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const manifest = await loadManifest();

const FILES = {
  'labels/chest_dx.csv': lines(CHEST_HEADER, chestRow('patient10_000.jpg', 'ChestDx-1', 'Mass')),
  'labels/viral_pneumonia_COVID-19.csv': lines('image,COVID-19', 'patient5_000.jpg,True'),
  'images/ChestDx-1/patient10_000.jpg': '',
  'images/Normal-4/patient7_000.jpg': '',
  'images/Viral-1/patient5_000.jpg': '',
  'images/Viral-2/a, "b"_0.jpg': '',
};

async function dataset(): Promise<string> {
  const dest = await tempDir();
  await writeTree(dest, FILES);
  return dest;
}

interface TableField {
  readonly name: string;
  readonly type: string;
  readonly constraints?: { readonly enum?: readonly unknown[]; readonly required?: boolean };
}

async function readPackage(dest: string) {
  const text = await readFile(join(dest, 'datapackage.json'), 'utf8');
  const { resources, sources } = JSON.parse(text) as {
    readonly sources: readonly { readonly title: string }[];
    readonly resources: readonly [
      {
        readonly bytes: number;
        readonly hash: string;
        readonly schema: { readonly fields: readonly TableField[] };
      },
    ];
  };
  return { index: resources[0], sources };
}

const states = (dest: string) =>
  Promise.all(DESCRIPTION_FILES.map(async (name) => (await stat(join(dest, name))).ino));

describe('after a join', () => {
  it('describes the index that was written, and the files that it is made of', async () => {
    const dest = await dataset();
    await joinDataset({ manifest, dest });
    const bytes = await readFile(join(dest, 'index.csv'));
    const { index, sources } = await readPackage(dest);
    const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    expect(index).toMatchObject({ bytes: bytes.length, hash });
    const labels = ['chest_dx.csv', 'viral_pneumonia_COVID-19.csv'];
    const names = ['ChestDx-1.zip', 'Normal-4.zip', 'Viral-1.zip', 'Viral-2.zip', ...labels];
    expect(sources.map(({ title }) => title).sort()).toEqual(names.sort());
    const croissant: unknown = JSON.parse(await readFile(join(dest, 'croissant.json'), 'utf8'));
    expect(faultsOf('croissant', croissant)).toEqual([]);
    expect(croissant).toMatchObject({
      description: 'Chest X-rays with labels: 4 images from 4 archives of CC-CXRI 2.0.',
    });
    expect((await listTree(dest)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('has types and values that hold of each cell', async () => {
    const dest = await dataset();
    await joinDataset({ manifest, dest });
    const text = await readFile(join(dest, 'index.csv'), 'utf8');
    const { fields } = (await readPackage(dest)).index.schema;
    expect(fields.map(({ name }) => name).join(',')).toBe(text.split('\n', 1)[0]);
    const rows = parseCsv(text);
    for (const row of rows) {
      for (const { name, type, constraints = {} } of fields) {
        const cell = row[name] ?? '';
        if (cell === '') expect(constraints.required, name).toBeUndefined();
        else if (constraints.enum !== undefined) {
          expect(constraints.enum, name).toContain(type === 'integer' ? Number(cell) : cell);
        }
      }
    }
    expect(rows).toHaveLength(4);
  });

  it('writes a file only if it differs', async () => {
    const dest = await dataset();
    await joinDataset({ manifest, dest });
    const before = await states(dest);
    await joinDataset({ manifest, dest });
    expect(await states(dest)).toEqual(before);
    await writeTree(dest, { 'images/Other-1/patient8_000.jpg': '' });
    await joinDataset({ manifest, dest });
    const after = await states(dest);
    // The paper to cite is the same.
    expect(after.map((ino, at) => ino === before[at])).toEqual([false, false, true]);
  });

  it('writes none in a dry run, and none for an index elsewhere', async () => {
    const dest = await dataset();
    await joinDataset({ manifest, dest, dryRun: true });
    await joinDataset({ manifest, dest, output: join(await tempDir(), 'part.csv') });
    expect((await listTree(dest)).filter((name) => DESCRIPTION_FILES.includes(name))).toEqual([]);
  });

  it('leaves alone what ccxri has not written, and says so', async () => {
    const dest = await dataset();
    await writeFile(join(dest, 'CITATION.cff'), 'cff-version: 1.2.0\ntitle: mine\n');
    await mkdir(join(dest, 'croissant.json'));
    const events: RunEvent[] = [];
    await joinDataset({ manifest, dest, onEvent: (event) => events.push(event) });
    expect(await readFile(join(dest, 'CITATION.cff'), 'utf8')).toContain('title: mine');
    expect((await readPackage(dest)).index.bytes).toBeGreaterThan(0);
    const warnings = events.filter((event) => event.event === 'warning' && event.code === 'disk');
    expect(warnings).toMatchObject([
      { code: 'disk', message: saying('croissant.json is not as ccxri') },
      { code: 'disk', message: saying('CITATION.cff is not as ccxri') },
    ]);
  });
});

it('describes an export, and ends when stopped', async () => {
  const dest = await tempDir();
  await writeDescription(dest, await describedExport());
  expect(await listTree(dest)).toEqual([...DESCRIPTION_FILES].sort());
  const stopped = writeDescription(await tempDir(), await describedExport(), {
    signal: AbortSignal.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
});
