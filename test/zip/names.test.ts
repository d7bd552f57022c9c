import { describe, expect, it } from 'vitest';
import { topFolderOf, withoutTopFolder } from '../../src/zip/names.ts';

describe('the top folder', () => {
  it.each<[readonly string[], string | null]>([
    [['T/a', 'T/b/c'], 'T'],
    [['T/b/a', 'T/b/c'], 'T'],
    [['T/a', 'b'], null],
    [['a', 'T/b'], null],
    [['T/a', 'TT/b'], null],
    [['T/a', 'U/b'], null],
    [['a'], null],
    [[], null],
    [['T/a', '__MACOSX/T/._a', '__MACOSX/._T'], 'T'],
    [['__MACOSX/a', '__MACOSX/b'], null],
    [['T/__MACOSX/a', '__MACOSX/a'], null],
    [['T/__MACOSX'], null],
  ])('of %j is %j', (paths, folder) => {
    expect(topFolderOf(paths)).toBe(folder);
  });

  it.each([
    ['T/a', 'T', 'a'],
    ['T/T/a', 'T', 'T/a'],
    ['T/a', null, 'T/a'],
    ['__MACOSX/T/._a', 'T', '__MACOSX/T/._a'],
    ['/a', null, '/a'],
  ])('%s without %s is %s', (path, folder, rest) => {
    expect(withoutTopFolder(path, folder)).toBe(rest);
  });
});
