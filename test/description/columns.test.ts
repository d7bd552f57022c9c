import { expect, it } from 'vitest';
import { ALL_COLUMNS, INDEX_COLUMNS, columnsOf } from '../../src/description/columns.ts';
import { INDEX_HEADER } from '../../src/labels/write.ts';

it('are those of index.csv, in its order, each with what it means', () => {
  expect(INDEX_COLUMNS.map(({ name }) => name).join(',')).toBe(INDEX_HEADER);
  for (const { meaning, from } of ALL_COLUMNS) expect([meaning, from]).not.toContain('');
  expect(new Set(ALL_COLUMNS.map(({ meaning }) => meaning)).size).toBe(ALL_COLUMNS.length);
});

it('describe an index with a split, and keep a name that is none of theirs', () => {
  expect(columnsOf(['Mass', 'split', 'mine'])).toMatchObject([
    { name: 'Mass', type: 'integer', values: ['0', '1'] },
    { name: 'split', type: 'string' },
    { name: 'mine', type: 'string', meaning: 'mine' },
  ]);
});
