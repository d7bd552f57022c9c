import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { userPlaces } from '../../src/cli/config-places.ts';
import { expandHome } from '../../src/cli/options-resolve.ts';
import { folderWithin } from '../../src/dataset/find-dataset.ts';
import { finalPathOf, layoutOf } from '../../src/dataset/layout.ts';
import { staysBelow } from '../../src/dataset/ledger.ts';
import { isBelow } from '../../src/fs/within.ts';
import { imageReader } from '../../src/labels/image-list.ts';
import { addressOf } from '../../src/report/report-dataset.ts';
import { parseAddress } from '../../src/sources/address.ts';
import { pathInSave } from '../../src/sources/page-address.ts';
import { quoteForShell } from '../../src/text.ts';
import { problemOfName } from '../../src/zip/names.ts';

/** As paths of Windows are: a drive, a share, both in the long form, a device's name in the long form. */
const ROOTS = [
  'C:\\data\\cc-cxri',
  '\\\\server\\share\\cc-cxri',
  '\\\\?\\C:\\data\\cc-cxri',
  '\\\\?\\UNC\\server\\share\\cc-cxri',
];

describe('a path lies below a directory', () => {
  it.each([
    ['C:\\data', 'C:\\data\\x', true],
    ['C:\\data', 'c:\\DATA\\x\\y', true],
    ['C:\\data', 'C:\\data', false],
    ['C:\\data', 'C:\\database', false],
    ['C:\\data', 'C:\\data\\..x', true],
    ['C:\\data', 'C:\\data\\..\\x', false],
    ['C:\\data', 'D:\\data\\x', false],
    ['C:\\', 'C:\\x', true],
    ['C:\\data', '\\\\server\\share\\x', false],
    ['\\\\server\\share', '\\\\server\\share\\x', true],
    ['\\\\server\\share', '\\\\SERVER\\share\\x', true],
    ['\\\\server\\share', '\\\\server\\shared\\x', false],
    ['C:/data', 'C:\\data\\x', true],
  ])('%s, %s: %s', (directory, path, is) => {
    expect(isBelow(directory, path, win32)).toBe(is);
  });

  it('on other systems by the letters as they are', () => {
    expect(isBelow('/data', '/data/x', posix)).toBe(true);
    expect(isBelow('/data', '/DATA/x', posix)).toBe(false);
    expect(isBelow('/data', '/database', posix)).toBe(false);
    expect(isBelow('/', '/x', posix)).toBe(true);
  });
});

describe('a name that the gate of zips lets pass', () => {
  const parts = fc.constantFrom(
    ...['..', '.', '', 'C:', 'c:x', '\\\\s', '\\', 'a', 'aux', 'NUL.jpg', 'x.', 'x ', 'a:b', '?'],
    ...['com1', 'COM¹.jpg', 'LPT9 .png', 'conin$', '~1', 'PATIEN~1.JPG', 'é', 'ＡＵＸ', '%2e%2e'],
  );
  const names = fc.array(fc.oneof(parts, fc.string({ unit: 'grapheme', maxLength: 8 })), {
    minLength: 1,
    maxLength: 5,
  });

  it('stays below its folder and is the same name, on Windows and elsewhere', () => {
    fc.assert(
      fc.property(names, fc.constantFrom('/', '\\', ''), (some, by) => {
        const name = some.join(by);
        if (problemOfName(name) !== undefined || name === './' || name.endsWith('/')) return;
        for (const [flavour, roots] of [
          [win32, ROOTS],
          [posix, ['/data/cc-cxri']],
        ] as const) {
          for (const root of roots) {
            const path = flavour.join(root, name);
            expect(isBelow(root, path, flavour)).toBe(true);
            expect(path).toBe([root, ...name.split('/')].join(flavour.sep));
            // The form that Node gives to the system, which has no limit of 260 characters.
            if (flavour === win32) expect(win32.toNamespacedPath(path)).toMatch(/^\\\\\?\\/);
          }
        }
        expect(staysBelow(name)).toBe(true);
      }),
      { seed: 16, numRuns: 3000 },
    );
  });

  it('is none of those that Windows turns into another file or device', () => {
    for (const name of [
      ...['aux', 'AUX.jpg', 'con .jpg', 'nul.tar.gz', 'COM0', 'com9.x', 'COM¹.jpg', 'lpt³'],
      ...['CONIN$', 'conout$.jpg', 'x.', 'x ', 'd./x.jpg', 'd /x.jpg', 'x:y', 'x.jpg::$DATA'],
      ...['a\\b', 'C:', 'c:x', 'C:/x', '\\\\?\\C:\\x', '//server/share', 'a|b', 'a"b', 'a<b'],
      ...['a>b', 'a*b', 'a?b', 'a\tb'],
    ]) {
      expect(problemOfName(name), name).toBeDefined();
    }
    for (const name of ['auxiliary.jpg', 'con1.jpg', 'com10', 'x.y', '.x', 'nul_1.jpg']) {
      expect(problemOfName(name), name).toBeUndefined();
    }
  });
});

it.each(ROOTS)('a dataset directory has its files below it, from %s', (root) => {
  const layout = layoutOf(root, win32);
  for (const path of Object.values<string>({ ...layout })) {
    expect(path === root || isBelow(root, path, win32)).toBe(true);
    // Beyond `\\?\` Windows takes no other separator.
    expect(path).not.toContain('/');
  }
  expect(layout.ledger).toBe(`${root}\\.ccxri\\ledger`);
});

it.each([
  ['C:\\data\\set', 'C:\\data\\set\\images\\ChestDx-1', 'images'],
  ['C:\\data\\set', 'c:\\DATA\\set\\IMAGES', 'images'],
  ['C:\\data\\set', 'C:\\data\\set\\.CCXRI\\ledger', '.ccxri'],
  ['C:\\data\\set', 'C:\\data\\set\\mine', undefined],
  ['C:\\data\\set', 'D:\\data\\set\\images', undefined],
  ['\\\\server\\share\\set', '\\\\server\\share\\set\\labels', 'labels'],
])('of %s, %s lies in %s', (root, path, folder) => {
  expect(folderWithin(root, path, win32)).toBe(folder);
});

it.each([
  ['C:\\out', 'C:\\out\\a b\\x#1.jpg', 'a%20b/x%231.jpg'],
  ['C:\\out', 'C:\\set\\x.jpg', '../set/x.jpg'],
  ['C:\\out', 'D:\\set\\a b.jpg', 'file:///D:/set/a%20b.jpg'],
  ['C:\\out', '\\\\server\\share\\x.jpg', 'file://server/share/x.jpg'],
])('a report in %s names %s by %s', (directory, path, address) => {
  expect(addressOf(directory, path, win32)).toBe(address);
});

it.each([
  ['D:\\mirror', { kind: 'path', path: 'D:\\mirror' }],
  ['D:mirror', { kind: 'path', path: 'D:mirror' }],
  ['\\\\server\\share\\mirror', { kind: 'path', path: '\\\\server\\share\\mirror' }],
  ['\\\\?\\D:\\mirror', { kind: 'path', path: '\\\\?\\D:\\mirror' }],
  ['D:\\pages\\page.html', { kind: 'path', path: 'D:\\pages\\page.html', isPage: true }],
  ['file:///D:/my%20mirror', { kind: 'path', path: 'D:\\my mirror' }],
  ['file:///d|/mirror', { kind: 'path', path: 'd:\\mirror' }],
  ['file://server/share/mirror', { kind: 'path', path: '\\\\server\\share\\mirror' }],
  ['file:///mirror', { kind: 'invalid' }],
  ['D://mirror', { kind: 'invalid' }],
])('the source %s is read as one of Windows', (typed, address) => {
  expect(parseAddress(typed, true)).toMatchObject(address);
});

it('a saved page is looked for in the folder beside it alone, by either separator', () => {
  expect(pathInSave('CC-CXRI_files/frame.html', 'CC-CXRI.html')).toBe('CC-CXRI_files/frame.html');
  expect(pathInSave('CC-CXRI_files/../x.html', 'CC-CXRI.html')).toBeUndefined();
  expect(pathInSave('CC-CXRI_files/..%5C..%5Cx.html', 'CC-CXRI.html')).toBeUndefined();
});

it('lists that were made on Windows name the same images', () => {
  const read = imageReader(['ChestDx-1']);
  expect(read('C:\\data\\images\\ChestDx-1\\patient1_000.jpg')).toBe('ChestDx-1/patient1_000.jpg');
  expect(read('ChestDx-1/patient1_000.jpg')).toBe('ChestDx-1/patient1_000.jpg');
});

it("~ is the user's directory, by the name that Windows has for it", () => {
  const env = { USERPROFILE: 'C:\\Users\\me' };
  expect(expandHome('~\\set', env)).toBe('C:\\Users\\me\\set');
  expect(expandHome('~/set', env)).toBe('C:\\Users\\me/set');
  expect(() => expandHome('~you\\set', env)).toThrow(/~you/);
});

it.each([
  [{ APPDATA: 'C:\\Users\\me\\AppData\\Roaming' }, 'C:\\Users\\me\\AppData\\Roaming'],
  [{ APPDATA: 'C:\\R', HOME: '/c/Users/me' }, 'C:\\R'],
  [{ XDG_CONFIG_HOME: 'D:\\conf', APPDATA: 'C:\\R' }, 'D:\\conf'],
  [{ XDG_CONFIG_HOME: 'conf', APPDATA: 'C:\\R' }, 'C:\\R'],
])('settings of a user on Windows with %o are in %s', (env, base) => {
  expect(userPlaces(env, win32)).toEqual([`${base}\\ccxri\\ccxri.config.json`]);
});

it('a file of the ledger that leads elsewhere on Windows is not believed', () => {
  for (const path of ['a\\..\\..\\x', 'C:x', 'C:/x', 'x:stream', '../x', '/x', 'a//x']) {
    expect(staysBelow(path), path).toBe(false);
  }
  expect(finalPathOf(layoutOf('C:\\set', win32), { name: 'a.zip', kind: 'archive' })).toContain(
    'a.zip',
  );
});

describe('words of a suggested command', () => {
  it.each([
    ['C:\\data\\set', 'C:\\data\\set'],
    ['\\\\server\\share\\set', '\\\\server\\share\\set'],
    ['ChestDx-1.zip', 'ChestDx-1.zip'],
    ['C:\\my data\\set', '"C:\\my data\\set"'],
    ['C:\\my data\\', '"C:\\my data\\\\"'],
    ["it's", '"it\'s"'],
    ['a,b', '"a,b"'],
    ['@x', '"@x"'],
    ['a&b', '"a&b"'],
    ['', '""'],
    ['$(rm x)', "'$(rm x)'"],
    ["it's `x`", "'it''s `x`'"],
    ['a”b', "'a”b'"],
  ])('%s is written as %s where the shell is of Windows', (word, quoted) => {
    expect(quoteForShell(word, 'windows')).toBe(quoted);
  });

  it('are written for POSIX shells elsewhere', () => {
    expect(quoteForShell('C:\\my data', 'posix')).toBe("'C:\\my data'");
  });
});
