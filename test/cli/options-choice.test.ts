import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHEST_HEADER, chestRow } from '../support/csv.ts';
import { fastClock } from '../support/clock.ts';
import { useCountingServers } from '../support/counting-server.ts';
import { manifestOf, noise, sampleLabels, toSample } from '../support/fetching.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { likeJpeg } from '../support/tiny-jpeg.ts';
import { type ZipMember, buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();
const serve = useCountingServers();

const imageName = (n: number) => `patient${n}_000.jpg`;

/** Images 0 to 2 have Hernia, 3 and 4 Mass, the others no finding. */
const labelsOf = (n: number) => (n < 3 ? ['Hernia'] : n < 5 ? ['Mass'] : ['No_finding']);
const ROWS = Array.from({ length: 30 }, (_, n) =>
  chestRow(imageName(n), 'ChestDx-1', ...labelsOf(n)),
);
const MEMBERS: readonly ZipMember[] = ROWS.map((_, n) => ({
  name: imageName(n),
  content: likeJpeg(noise(`${n}`, 3000)),
}));

interface World {
  readonly rows?: readonly string[];
  readonly header?: string;
  readonly members?: readonly ZipMember[];
  /** A list, by the name `list.txt`. */
  readonly list?: string;
}

/** The commands, of one archive and its label file on a server. */
async function setUp({ rows = ROWS, header = CHEST_HEADER, members = MEMBERS, list }: World = {}) {
  const root = await tempDir();
  const release = join(root, 'release');
  await mkdir(release);
  const samples = [
    toSample('ChestDx-1.zip', buildZip(members), { kind: 'archive', category: 'ChestDx' }),
    sampleLabels('chest_dx.csv', `${[header, ...rows].join('\n')}\n`),
  ];
  for (const { name, bytes } of samples) await writeFile(join(release, name), bytes);
  const manifest = join(root, 'manifest.json');
  await writeFile(manifest, JSON.stringify({ ...manifestOf(...samples), url: undefined }));
  if (list !== undefined) await writeFile(join(root, 'list.txt'), list);
  const server = await serve(release);
  const where = ['--dest', join(root, 'set'), '--manifest', manifest];
  const source = ['--source', `${server.url}/{name}`];
  const cli = (...argv: readonly string[]) => {
    const words = argv.map((word) => (word === 'list.txt' ? join(root, word) : word));
    return runCli([...words, ...where, ...source], { clock: fastClock() });
  };
  const json = async (...argv: readonly string[]) =>
    documentOf((await cli(...argv, '--json')).stdout);
  return { root, server, cli, json };
}

const ABSENT = [...ROWS, chestRow(imageName(99), 'ChestDx-1', 'Hernia')];

describe.each(['query', 'fetch'])('what is wrong with a choice, in `%s --json`', (command) => {
  it.each<[name: string, argv: readonly string[], code: number, error: object, world?: World]>([
    [
      'a label that there is not: the nearest',
      ['--label', 'Herna'],
      2,
      { code: 'unknown-label', message: 'there is no label "Herna". Did you mean "Hernia"?' },
    ],
    [
      'nothing has the label',
      ['--label', 'Edema'],
      2,
      { code: 'nothing-chosen', found: '0 images', reasons: ['Edema: 0'] },
    ],
    [
      'nothing has all labels: how many have each',
      ['--label', 'Hernia,Mass', '--all-labels'],
      2,
      {
        code: 'nothing-chosen',
        reasons: ['none has all of Hernia, Mass', 'Hernia: 3', 'Mass: 2'],
      },
    ],
    [
      'no control fits',
      ['--label', 'Hernia', '--normals', '2'],
      2,
      { code: 'nothing-chosen', found: 'none' },
      { rows: ROWS.slice(0, 5) },
    ],
    [
      'label files are left out, and labels asked for',
      ['--limit', '3', '--no-labels'],
      2,
      { code: 'usage' },
    ],
    [
      'a label file does not name the archive',
      ['--label', 'Hernia'],
      3,
      { code: 'labels-invalid', message: 'chest_dx.csv, line 1, has no column "zip"' },
      { header: CHEST_HEADER.replace(',zip,', ',folder,') },
    ],
    [
      'all rows are of archives that the manifest lacks',
      ['--label', 'Hernia'],
      2,
      {
        code: 'nothing-chosen',
        reasons: ['Hernia: 0', expect.stringContaining('30 rows of chest_dx.csv fit no archive')],
      },
      { rows: ROWS.map((row) => row.replace('ChestDx-1', 'ChestDx-7')) },
    ],
    [
      'no patient of a list is known',
      ['--patients', 'list.txt'],
      2,
      { code: 'nothing-chosen', reasons: ['no name of the list is in the selection'] },
      { list: 'patient77\n' },
    ],
    [
      'a list is not there',
      ['--patients', 'list.txt'],
      2,
      { code: 'usage', message: expect.stringContaining('list.txt is not there') as unknown },
    ],
  ])('%s', async (_, argv, code, error, world) => {
    const { json } = await setUp(world);
    const { ok, exitCode, errors } = await json(command, ...argv);
    expect({ ok, exitCode, errors }).toMatchObject({ ok: false, exitCode: code, errors: [error] });
    expect(errors[0]?.hint).toMatch(/./);
  });

  it.each<[name: string, argv: readonly string[], result: object, world: World]>([
    [
      'rows of an archive that the manifest lacks',
      ['--label', 'Hernia'],
      { remarks: [{ kind: 'unknown-archive', count: 1, examples: ['ChestDx-99'] }] },
      { rows: [...ROWS, chestRow(imageName(98), 'ChestDx-99', 'Hernia')] },
    ],
    [
      'a list of patients with a byte-order mark, a header, CRLF and blanks',
      ['--patients', 'list.txt'],
      { unknownPatients: ['patient77'], patients: 3 },
      { list: '\ufeffPatient ID\r\n patient0 \r\n\r\npatient1\t\r\npatient77\r\npatient2' },
    ],
  ])('is no failure: %s', async (_, argv, result, world) => {
    const { json } = await setUp(world);
    const { exitCode, result: got } = await json(command, ...argv);
    expect(exitCode).toBe(0);
    const { images } = got as { images: object };
    const own = command === 'query' ? got : images;
    const { patients, ...common } = result as { patients?: number };
    expect(own).toMatchObject(common);
    if (patients !== undefined) expect(JSON.stringify(got)).toContain(`"patients":${patients}`);
  });

  it('an image that has a row, and is not in the archive: a remark, or code 8 with --strict', async () => {
    const { cli, json } = await setUp({ rows: ABSENT });
    // The query knows it once the directory has been read.
    expect((await cli('members')).code).toBe(0);
    const { exitCode, result } = await json(command, '--label', 'Hernia');
    expect(exitCode).toBe(0);
    const own = command === 'query' ? result : (result as { images: object }).images;
    expect(own).toMatchObject({ images: 4, notInArchive: ['ChestDx-1/patient99_000.jpg'] });
    expect((await cli(command, '--label', 'Hernia', '--strict')).code).toBe(8);
    const { stdout } = await cli(command, '--label', 'Hernia');
    expect(stdout).toContain('1 image that the archive does not have, though the label file names');
  });
});

it('a query lists images in one form: `--list` with `--csv` is refused, code 2', async () => {
  const { json } = await setUp();
  const { exitCode, errors } = await json('query', '--label', 'Hernia', '--list', '--csv');
  expect(exitCode).toBe(2);
  expect(errors).toMatchObject([
    { code: 'usage', message: '--list and --csv contradict each other' },
  ]);
});

describe('an archive whose directory lies', () => {
  const lies: readonly [name: string, member: ZipMember][] = [
    ['a name that leads out', { name: '../patient0_000.jpg', content: 'x' }],
    [
      'bytes that are another image’s too',
      { ...MEMBERS[1], name: 'patient0_000.jpg', central: { headerStart: 3100 } },
    ],
    [
      'a header with another name',
      { name: 'patient0_000.jpg', content: 'x', local: { name: 'patient9_000.jpg' } },
    ],
  ];
  it.each(lies)('is refused, code 7: %s', async (_, lie) => {
    const { json } = await setUp({ members: [lie, ...MEMBERS.slice(1)] });
    const { exitCode, errors, result } = await json('fetch', '--label', 'Hernia');
    expect(exitCode).toBe(7);
    const error = { code: 'unsafe-archive', file: 'ChestDx-1.zip' };
    expect(errors).toMatchObject([error]);
    expect(result).toMatchObject({ outcomes: [{ did: 'failed', error }, {}] });
  });

  // Headers are not read for a list.
  it.each(lies.slice(0, 2))('is refused by `members` too: %s', async (_, lie) => {
    const { json } = await setUp({ members: [lie, ...MEMBERS.slice(1)] });
    const { exitCode, errors } = await json('members');
    expect(exitCode).toBe(7);
    expect(errors).toMatchObject([{ code: 'unsafe-archive', file: 'ChestDx-1.zip' }]);
  });
});

it('`members` tells images without a row, and rows without an image; with --strict that is code 8', async () => {
  const { cli, json } = await setUp({ rows: ABSENT.slice(2) });
  const { exitCode, result } = await json('members');
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    remarks: [
      { kind: 'image-without-row', count: 2 },
      { kind: 'row-without-image', count: 1, examples: ['ChestDx-1/patient99_000.jpg'] },
    ],
  });
  expect((await cli('members', '--strict')).code).toBe(8);
});
