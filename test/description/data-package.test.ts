import { expect, it } from 'vitest';
import { dataPackageOf } from '../../src/description/data-package.ts';
import { describedDataset, describedExport } from '../support/described.ts';
import { faultsOf } from '../support/description-schemas.ts';

it.each([
  { name: 'a dataset directory', described: await describedDataset() },
  { name: 'an export', described: await describedExport() },
])('datapackage.json of $name is of its form, with sources and their MD5s', ({ described }) => {
  const document: unknown = JSON.parse(dataPackageOf(described));
  expect(faultsOf('dataPackage', document)).toEqual([]);
  expect(document).toMatchObject({
    name: 'cc-cxri',
    licenses: [{ title: 'not stated by the publisher' }],
    resources: described.files.map(({ path, bytes }) => ({ path, bytes })),
    sources: described.published.map(({ name, md5 }) => ({ title: name, hash: `md5:${md5}` })),
  });
});

it('gives the columns of a table their types, values and key', async () => {
  const document: unknown = JSON.parse(dataPackageOf(await describedDataset()));
  expect(document).toMatchObject({
    resources: [
      { type: 'table', format: 'csv', schema: { missingValues: [''], primaryKey: ['path'] } },
    ],
  });
  const text = JSON.stringify(document);
  expect(text).toContain('"constraints":{"enum":["Normal","Viral","COVID-19","Other"]}');
  expect(text).toContain('"constraints":{"enum":[0,1]}');
});
