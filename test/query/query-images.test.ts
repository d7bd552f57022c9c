import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { queryImages } from '../../src/query/query-images.ts';
import type { QueryOptions, QueryResult } from '../../src/query/types.ts';
import { parseCsv } from '../support/csv.ts';
import { saying } from '../support/matchers.ts';
import { canMount, useMounts } from '../support/mounts.ts';
import { useNginx } from '../support/nginx.ts';
import { makeStandIn, type StandIn } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const mounts = useMounts();
const nginx = useNginx();

type Asked = Partial<QueryOptions> & Pick<QueryOptions, 'choice'>;

interface World {
  readonly standIn: StandIn;
  readonly dest: string;
  readonly events: RunEvent[];
  readonly query: (asked: Asked) => Promise<QueryResult>;
}

async function makeWorld(): Promise<World> {
  const root = await tempDir();
  const standIn = await makeStandIn(join(root, 'release'));
  const manifest = await loadManifest(standIn.manifestPath);
  const dest = join(root, 'set');
  const events: RunEvent[] = [];
  const run = { manifest, dest, sources: [standIn.directory] };
  const onEvent = (event: RunEvent) => events.push(event);
  return { standIn, dest, events, query: (asked) => queryImages({ ...run, onEvent, ...asked }) };
}

/** Whatever reads the label files here has nothing to do with the reader under test. */
async function rowsOf(dest: string, name: string) {
  return parseCsv(await readFile(join(dest, 'labels', name), 'utf8'));
}

const COVID = 'viral_pneumonia_COVID-19.csv';

describe('queryImages', () => {
  it('gets the label file that it needs, and finds the rows that have the label', async () => {
    const { dest, events, query } = await makeWorld();
    const result = await query({ choice: { labels: ['no finding'] }, list: true });
    const rows = await rowsOf(dest, 'chest_dx.csv');
    const wanted = rows.filter((row) => row['No_finding'] === '1' && row['zip'] !== 'ChestDx-40');
    expect(wanted.length).toBeGreaterThan(0);
    expect(result.list?.map(({ file, image }) => `${file} ${image}`).sort()).toEqual(
      wanted.map((row) => `${row['zip'] ?? ''}.zip ${row['image'] ?? ''}`).sort(),
    );
    expect(result.images).toBe(wanted.length);
    expect(result.archives.reduce((sum, { images }) => sum + images, 0)).toBe(wanted.length);
    expect(result.subsets.map(({ subset }) => subset)).toEqual(['chestdx', 'chestdx-pe']);
    // The row of an archive that the release does not have.
    expect(result.remarks).toMatchObject([{ kind: 'unknown-archive', examples: ['ChestDx-40'] }]);
    expect(await readdir(join(dest, 'labels'))).toEqual(['chest_dx.csv']);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'file-done', file: 'chest_dx.csv', did: 'downloaded' }),
    );
  });

  it('reads the directories of the archives that no row speaks of, and keeps them', async () => {
    const { standIn, dest, query } = await makeWorld();
    const server = await nginx({ root: standIn.directory });
    const asked = { choice: { labels: ['COVID-19'], normals: 2 }, list: true };
    const first = await query({ ...asked, sources: [server.url] });
    const rows = await rowsOf(dest, COVID);
    const positive = rows.filter((row) => row['COVID-19'] === 'True').map((row) => row['image']);
    const [cases, controls] = [false, true].map((is) =>
      (first.list ?? []).filter(({ control }) => control === is),
    );
    expect(cases?.map(({ image }) => image).sort()).toEqual(positive.sort());
    expect(controls?.map((each) => [each.file, each.class])).toEqual([
      ['Normal-4.zip', 'Normal'],
      ['Normal-4.zip', 'Normal'],
    ]);
    // Its stray text file is no candidate.
    expect(first.controlsAvailable).toBe(4);
    expect(first.bytes).toBeGreaterThan(0);
    expect(await readdir(join(dest, '.ccxri/members'))).toEqual(['Normal-4.json', 'Viral-1.json']);
    // The second query asks for nothing.
    const requests = (await server.requests()).length;
    expect(await query({ ...asked, sources: [server.url] })).toEqual(first);
    expect(await server.requests()).toHaveLength(requests);
  });

  it.skipIf(!canMount)(
    'asks in a directory that nobody may write to, and keeps nothing',
    async () => {
      const { standIn, dest, query } = await makeWorld();
      const server = await nginx({ root: standIn.directory });
      const asked = { choice: { labels: ['COVID-19'] }, list: true, sources: [server.url] };
      const { list } = await query(asked);
      await rm(join(dest, '.ccxri/members'), { recursive: true });
      const shared = await query({ ...asked, dest: await mounts.readOnly(dest) });
      expect(shared.list).toEqual(list);
      expect(await readdir(join(dest, '.ccxri'))).not.toContain('members');
    },
  );

  it('knows what the images of a list cost once the directory has been read', async () => {
    const { query } = await makeWorld();
    const before = await query({ choice: { labels: ['no finding'], limit: 1 } });
    expect(before).toMatchObject({ images: 1, bytes: null, requests: null });
    expect(before.fitting).toBeGreaterThan(1);
  });

  it('says of a label file that is not the published one that it is not, and counts what it says', async () => {
    const { dest, events, query } = await makeWorld();
    const { fitting } = await query({ choice: { labels: ['COVID-19'] } });
    const path = join(dest, 'labels', COVID);
    await writeFile(path, `${await readFile(path, 'utf8')}\n`);
    const warnings = () => events.filter(({ event }) => event === 'warning');
    expect(warnings()).toEqual([]);
    const counted = await query({ choice: { labels: ['COVID-19'] } });
    expect(counted.fitting).toBe(fitting);
    expect(warnings()).toMatchObject([{ code: 'join-remark', file: COVID }]);
    expect(warnings()[0]).toHaveProperty('message', saying('is not what was published'));
  });

  it('names what of a list is nowhere, and in which part the others are', async () => {
    const { standIn, dest, query } = await makeWorld();
    await query({ choice: { labels: ['COVID-19'] } });
    const [row] = await rowsOf(dest, COVID);
    const patient = row?.['image']?.split('_')[0] ?? '';
    const patientsFile = join(standIn.directory, 'ids.txt');
    await writeFile(patientsFile, `\ufeffPatient ID\r\n${patient}\r\n\r\npatient0\r\n`);
    const result = await query({ choice: { patientsFile } });
    expect(result).toMatchObject({
      images: 1,
      patients: 1,
      unknownPatients: ['patient0'],
      archives: [{ file: 'Viral-1.zip', images: 1 }],
    });
  });

  it.each<[name: string, asked: Asked, code: string]>([
    ['nothing', { choice: {} }, 'nothing-selected'],
    ['a label that there is not', { choice: { labels: ['Herniaa'] } }, 'unknown-label'],
    [
      'a label with and without',
      { choice: { labels: ['Mass'], withoutLabels: ['mass'] } },
      'usage',
    ],
    [
      'labels that exclude each other',
      { choice: { labels: ['No_Finding', 'Mass'], allLabels: true } },
      'nothing-chosen',
    ],
    [
      'controls where there are none',
      { choice: { labels: ['COVID-19'], normals: 5 }, selection: { subsets: ['viral'] } },
      'nothing-chosen',
    ],
    [
      'a label in another subset',
      { choice: { labels: ['Mass'] }, selection: { subsets: ['normal'] } },
      'nothing-chosen',
    ],
    [
      'a subset that there is not',
      { choice: { labels: ['Mass'] }, selection: { subsets: ['chest'] } },
      'unknown-subset',
    ],
    [
      'no source at all',
      { choice: { labels: ['Mass'] }, sources: ['/nowhere/at/all'] },
      'source-unusable',
    ],
  ])('fails, and says so: %s', async (_, asked, code) => {
    const { query } = await makeWorld();
    await expect(query(asked)).rejects.toMatchObject({ code });
  });

  it('refuses a label file without the column that names the archive', async () => {
    const { dest, query } = await makeWorld();
    await query({ choice: { labels: ['no finding'] } });
    const path = join(dest, 'labels/chest_dx.csv');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('image,zip,', 'image,folder,'));
    await expect(query({ choice: { labels: ['no finding'] } })).rejects.toMatchObject({
      code: 'labels-invalid',
      message: 'chest_dx.csv, line 1, has no column "zip"',
    });
  });
});
