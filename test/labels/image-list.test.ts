import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isCcxriError } from '../../src/errors.ts';
import { type ListKind, readList } from '../../src/labels/image-list.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function read(kind: ListKind, content: string | Uint8Array): Promise<string> {
  const path = join(await tempDir(), 'list.txt');
  await writeFile(path, content);
  const archives = ['ChestDx-22', 'Normal-1'];
  return [...(await readList({ kind, path, archives }))].join(' ');
}

const utf16 = Buffer.from('\ufeffpatient_id\r\npatient7\r\n', 'utf16le');

describe('#222 a list of patients', () => {
  it.each<[name: string, content: string | Uint8Array, patients: string]>([
    ['one a line', 'patient1\npatient2\n', 'patient1 patient2'],
    ['no line end at the end', 'patient1\npatient2', 'patient1 patient2'],
    ['a byte-order mark', '\ufeffpatient1\n', 'patient1'],
    ['CRLF', 'patient1\r\npatient2\r\n', 'patient1 patient2'],
    ['lone CR', 'patient1\rpatient2', 'patient1 patient2'],
    ['blanks and blank lines', '  patient1 \n\n\t\n patient2\n\n', 'patient1 patient2'],
    ['repetitions', 'patient1\npatient2\npatient1\n', 'patient1 patient2'],
    ['a header', 'patient_id\npatient1\n', 'patient1'],
    ['a header of another name', 'Studienteilnehmer\npatient1\n', 'patient1'],
    ['BOM, CRLF, quotes and a header', '\ufeff"Patient ID"\r\n"patient1"\r\n', 'patient1'],
    ['numbers alone', '17664\n30552\n', 'patient17664 patient30552'],
    [
      'names of images',
      'patient1_000.jpg\nimages/ChestDx-22/patient2_001.jpg\npatient3_000\n',
      'patient1 patient2 patient3',
    ],
    [
      'a column of a table',
      'age,patient_id,sex\n40,patient1,F\n50,patient2,M\n',
      'patient1 patient2',
    ],
    ['a table with semicolons', 'patient;age\npatient1;40\n', 'patient1'],
    ['a table of pandas', ',patient\n0,patient1\n1,patient2\n', 'patient1 patient2'],
    ['an index of images', 'path,image\nimages/A/patient1_000.jpg,patient1_000.jpg\n', 'patient1'],
    ['UTF-16 of a spreadsheet', utf16, 'patient7'],
  ])('may have %s', async (_, content, patients) => {
    expect(await read('patients', content)).toBe(patients);
  });
});

describe('a list of images', () => {
  it.each<[name: string, content: string, images: string]>([
    ['names', 'patient1_000.jpg\npatient2_000.jpg\n', 'patient1_000.jpg patient2_000.jpg'],
    [
      'no ending, or another',
      'patient1_000\npatient2_000.JPG\npatient3_000.png\n',
      'patient1_000.jpg patient2_000.jpg patient3_000.jpg',
    ],
    ['paths with the archive', 'ChestDx-22/patient1_000.jpg\n', 'ChestDx-22/patient1_000.jpg'],
    [
      'paths of index.csv',
      'path,image\nimages/Normal-1/a/patient1_000.jpg,patient1_000.jpg\n',
      'Normal-1/patient1_000.jpg',
    ],
    [
      'paths of Windows',
      'D:\\cxr\\images\\chestdx_22\\patient1_000.jpg\r\n',
      'ChestDx-22/patient1_000.jpg',
    ],
    ['paths of other folders', '/tmp/mine/patient1_000.jpg\n', 'patient1_000.jpg'],
    [
      'BOM, CRLF, blanks and a header',
      '\ufeffimage\r\n\r\n patient1_000.jpg \r\n',
      'patient1_000.jpg',
    ],
  ])('may have %s', async (_, content, images) => {
    expect(await read('images', content)).toBe(images);
  });
});

describe('a list that is wrong', () => {
  it.each<
    [
      name: string,
      kind: ListKind,
      content: string | Uint8Array,
      line: number | undefined,
      says: string,
    ]
  >([
    ['empty', 'patients', '', undefined, 'names no patient'],
    ['a header alone', 'images', 'image\r\n', undefined, 'names no image'],
    [
      'columns without a known name',
      'patients',
      'id,age\n1,40\n',
      1,
      'has 2 columns, and none that is called "patient_id"',
    ],
    ['a gap in a column', 'patients', 'age,patient_id\n40,patient1\n50,\n', 3, 'names no patient'],
    ['control characters', 'images', 'patient1_000.jpg\npat\u0007ient.jpg\n', 2, 'names no image'],
    ['a line without end', 'patients', `patient1\n${'x'.repeat(2000)}\n`, 2, 'names no patient'],
    [
      'no text',
      'patients',
      Buffer.from([0x50, 0x4b, 3, 4, 0xff, 0xfe, 0xc0]),
      undefined,
      'is no text in UTF-8',
    ],
  ])('is refused with its line: %s', async (_, kind, content, line, says) => {
    const error: unknown = await read(kind, content).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage' });
    expect(isCcxriError(error) && error.facts.line).toBe(line);
    expect(isCcxriError(error) && error.message).toContain(says);
  });

  it('is named where it is not there', async () => {
    const path = join(await tempDir(), 'nothing.txt');
    const reading = readList({ kind: 'patients', path, archives: [] });
    await expect(reading).rejects.toMatchObject({ code: 'usage', facts: { path } });
  });
});
