import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditDataset } from '../../src/audit/audit-dataset.ts';
import type { AuditOptions } from '../../src/audit/types.ts';
import type { RunEvent } from '../../src/events.ts';
import { joinDataset } from '../../src/join.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { type Dataset, makeDataset, snapshot } from '../support/dataset.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';

const tempDir = useTempDirs();
const ALL = ['ChestDx-1', 'ChestDx-2', 'ChestDx_PE-1', 'Normal-4', 'Viral-1', 'Other-1'];
const NORMAL = 'images/Normal-4';

async function audit({ root: dest, manifest }: Dataset, options: Partial<AuditOptions> = {}) {
  return auditDataset({ dest, manifest, ...options });
}

/** Kinds of what the release itself does not have: a stray file, and rows of an archive that is not there. */
function kindsOf({ remarks }: { readonly remarks: readonly { readonly kind: string }[] }) {
  const own = ['stray-file', 'unknown-archive'];
  return remarks.map(({ kind }) => kind).filter((kind) => !own.includes(kind));
}

describe('of a dataset as fetch leaves it', () => {
  it('extracted: everything adds up, nothing is opened, nothing is written', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ALL });
    await joinDataset({ dest: dataset.root, manifest: dataset.manifest });
    const before = await snapshot(dataset.root);
    const result = await audit(dataset);
    expect(kindsOf(result)).toEqual([]);
    expect(result).toMatchObject({ rows: 31, imagesOpened: 0, imagesPacked: 0, decoded: false });
    expect(await snapshot(dataset.root)).toEqual(before);
  });

  it('not extracted: images are found in their archives, and opened to decode them alone', async () => {
    const dataset = await makeDataset(await tempDir());
    const result = await audit(dataset);
    expect(kindsOf(result)).toEqual([]);
    expect(result).toMatchObject({ rows: 31, imagesOpened: 0, imagesPacked: 31 });
    const events: RunEvent[] = [];
    const decoded = await audit(dataset, { decode: true, onEvent: (event) => events.push(event) });
    expect(kindsOf(decoded)).toEqual([]);
    expect(decoded).toMatchObject({ imagesOpened: 31, decoded: true });
    const done = events.flatMap((event) => (event.event === 'phase-done' ? event.members : []));
    expect(done).toEqual([7, 4, 5, 4, 5, 6]);
    const planned = events.flatMap((each) => (each.event === 'phase-start' ? each.totalBytes : []));
    const read = events.flatMap((each) => (each.event === 'phase-done' ? each.bytes : []));
    expect(planned).toEqual(read);
  });

  it('of a selection: index.csv is not compared', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['Normal-4', 'Other-1'] });
    await writeFile(dataset.layout.index, 'mine\n');
    const chosen = await audit(dataset, { selection: { files: ['Normal-4'] } });
    expect(chosen.rows).toBe(4);
    expect(kindsOf(chosen)).toEqual([]);
    expect(kindsOf(await audit(dataset))).toEqual(['index-differs']);
  });
});

it('says in which rows index.csv is not what join would write', async () => {
  const dataset = await makeDataset(await tempDir(), { extracted: ['Normal-4'] });
  const { root: dest, manifest, layout } = dataset;
  await joinDataset({ dest, manifest });
  const text = await readFile(layout.index, 'utf8');
  await writeFile(layout.index, text.replace(',Normal,', ',Other,'));
  expect((await audit(dataset)).remarks.at(-1)).toMatchObject({
    kind: 'index-differs',
    count: 1,
    examples: [text.split('\n')[1]?.split(',')[0]],
    strict: true,
  });
});

describe('images that are no picture', () => {
  it('are found by their first and last bytes where no extraction has judged them', async () => {
    const dest = await tempDir();
    await writeTree(dest, {
      [`${NORMAL}/patient1_000.jpg`]: likeJpeg('whole'),
      [`${NORMAL}/patient2_000.jpg`]: likeJpeg('cut').subarray(0, -2),
      [`${NORMAL}/patient3_000.jpg`]: '<html>',
      [`${NORMAL}/patient4_000.jpg`]: '',
      [`${NORMAL}/patient5_000.dcm`]: 'not judged',
    });
    const result = await auditDataset({ dest, manifest: await loadManifest() });
    expect(result).toMatchObject({ rows: 5, imagesOpened: 4 });
    const places = [
      'Normal-4/patient2_000.jpg: cut',
      'Normal-4/patient3_000.jpg: not-an-image',
      'Normal-4/patient4_000.jpg: empty',
    ];
    const [remark, ...others] = result.remarks;
    expect(remark).toMatchObject({ kind: 'broken-image', count: 3, strict: true });
    expect([...(remark?.examples ?? [])].sort()).toEqual(places);
    expect(others).toEqual([]);
  });

  it('with --decode are found by their content, and those that have changed or are gone', async () => {
    const dataset = await makeDataset(await tempDir(), { extracted: ['Normal-4'] });
    const folder = dataset.imagesOf('Normal-4');
    const record = await dataset.ledger.readMembers('Normal-4.zip');
    const paths = record?.members.map(({ path }) => path).filter((path) => path.endsWith('.jpg'));
    const [changed = '', gone = '', undecodable = ''] = paths ?? [];
    await appendFile(join(folder, changed), 'x');
    await rm(join(folder, gone));
    await rename(join(folder, undecodable), join(folder, 'patient99_000.jpg'));
    await rm(join(dataset.layout.ledger, 'Normal-4.members.json'));
    await writeFile(join(folder, 'patient99_000.jpg'), likeJpeg('nothing that decodes'));
    if (record !== undefined) {
      const members = record.members.filter(({ path }) => path === changed);
      await dataset.ledger.writeMembers({ ...record, isComplete: false, md5: null, members });
    }
    const { remarks } = await audit(dataset, {
      decode: true,
      selection: { files: ['Normal-4'] },
    });
    const found = remarks.find(({ kind }) => kind === 'undecodable-image');
    expect(found).toMatchObject({ count: 2, strict: true });
    expect([...(found?.examples ?? [])].sort()).toEqual(
      [
        expect.stringContaining(`Normal-4/${changed}: `),
        expect.stringContaining('Normal-4/patient99_000.jpg: '),
      ].sort(),
    );
  });
});

it('counts cells that are no value, which join refuses', async () => {
  const dest = await tempDir();
  const manifest = await loadManifest();
  const row = chestRow('patient1_000.jpg', 'ChestDx-1', 'Mass');
  await writeTree(dest, {
    'labels/chest_dx.csv': lines(
      CHEST_HEADER,
      row.replace(/,0$/, ',2'),
      chestRow('patient2_000.jpg', 'ChestDx-1', 'No_finding').replace(',0,', ',NA,'),
    ),
    'images/ChestDx-1/patient1_000.jpg': likeJpeg('1'),
    'images/ChestDx-1/patient2_000.jpg': likeJpeg('2'),
  });
  await expect(joinDataset({ dest, manifest })).rejects.toMatchObject({ code: 'labels-invalid' });
  expect((await auditDataset({ dest, manifest })).remarks).toEqual([
    {
      kind: 'not-a-value',
      file: 'chest_dx.csv',
      count: 2,
      examples: ['line 2: "2" under No_Finding', 'line 3: "NA" under Consolidation'],
      strict: true,
    },
  ]);
});

it('ends when stopped', async () => {
  const dataset = await makeDataset(await tempDir());
  const auditing = audit(dataset, { signal: AbortSignal.abort() });
  await expect(auditing).rejects.toMatchObject({ code: 'aborted' });
});
