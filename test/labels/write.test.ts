import { expect, it } from 'vitest';
import { LABEL_COLUMNS } from '../../src/labels/label-names.ts';
import type { IndexRow } from '../../src/labels/join.ts';
import { INDEX_HEADER, renderRow } from '../../src/labels/write.ts';
import { parseCsv } from '../support/csv.ts';

const row: IndexRow = {
  path: 'images/A-1/p_0.jpg',
  image: 'p_0.jpg',
  archive: 'A-1',
  subset: 'chestdx',
  class: null,
  patientId: 'p',
  labels: null,
  covid: null,
  check: 'verified',
};

it('has the header of the contract', () => {
  expect(INDEX_HEADER).toBe(
    'path,image,archive,subset,class,patient_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Effusion,Emphysema,Fibrosis,Hernia,Infiltration,Mass,Nodule,Pleural_Thickening,Pneumonia,Pneumothorax,No_Finding,COVID-19,check',
  );
});

it.each([
  { change: {}, end: ',,p,,,,,,,,,,,,,,,,,verified\n' },
  { change: { labels: 0 }, end: ',,p,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,,verified\n' },
  { change: { labels: 1 | (1 << 14) }, end: ',,p,1,0,0,0,0,0,0,0,0,0,0,0,0,0,1,,verified\n' },
  {
    change: { class: 'COVID-19', covid: true } as const,
    end: ',COVID-19,p,,,,,,,,,,,,,,,,1,verified\n',
  },
  {
    change: { class: 'Viral', covid: false } as const,
    end: ',Viral,p,,,,,,,,,,,,,,,,0,verified\n',
  },
  { change: { check: 'crc-checked' } as const, end: ',,p,,,,,,,,,,,,,,,,,crc-checked\n' },
])('renders $change', ({ change, end }) => {
  expect(renderRow({ ...row, ...change })).toBe(`images/A-1/p_0.jpg,p_0.jpg,A-1,chestdx${end}`);
});

it.each(LABEL_COLUMNS.map((name, at) => ({ name, at })))('puts bit $at under $name', (column) => {
  const text = `${INDEX_HEADER}\n${renderRow({ ...row, labels: 1 << column.at })}`;
  const [record] = parseCsv(text);
  expect(LABEL_COLUMNS.filter((name) => record?.[name] === '1')).toEqual([column.name]);
  expect(LABEL_COLUMNS.filter((name) => record?.[name] === '0')).toHaveLength(14);
});

it.each([
  'a,b.jpg',
  'a"b.jpg',
  'a\nb.jpg',
  ' a b .jpg',
  '=cmd|x.jpg',
  '+1.jpg',
  '-1.jpg',
  '@x.jpg',
  'é.jpg',
])('#147 a name such as %j comes back as it was', (image) => {
  const text = `${INDEX_HEADER}\n${renderRow({ ...row, image, path: `images/A-1/${image}` })}`;
  expect(parseCsv(text)).toMatchObject([{ image, path: `images/A-1/${image}`, patient_id: 'p' }]);
});
