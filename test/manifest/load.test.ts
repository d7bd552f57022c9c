import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { loadManifest, parseManifest } from '../../src/manifest/load.ts';
import { saying, nextSaying } from '../support/matchers.ts';
import { answer, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();

const FILE = {
  name: 'ChestDx-1.zip',
  kind: 'archive',
  category: 'ChestDx',
  subsets: ['chestdx'],
  size: '573MB',
  md5: 'c5ef5205687caca0d4520372a522ec57',
};
const OTHER = { ...FILE, name: 'ChestDx-2.zip', md5: '702821de09bdb9b45602d2a010ac904b' };
const MANIFEST = {
  manifestVersion: 1,
  dataset: 'CC-CXRI',
  version: '2.0',
  released: '2021-03-21',
  homepage: 'https://x.test/cxr/',
  citation: '',
  files: [FILE, OTHER],
};

const withFile = (change: object) => ({ ...MANIFEST, files: [FILE, { ...OTHER, ...change }] });
const parse = (json: unknown) => parseManifest(JSON.stringify(json), 'm.json');

/** Everything a reader is told of what is wrong. */
function complaintOf(json: unknown): string {
  try {
    parse(json);
  } catch (error) {
    if (!(error instanceof CcxriError)) throw error;
    expect(error.code).toBe('manifest-invalid');
    expect(error.facts.path).toBe('m.json');
    expect(error.next).toEqual(nextSaying('ccxri manifest'));
    return [error.message, ...(error.facts.reasons ?? [])].join('\n');
  }
  throw new Error('it was taken for good');
}

describe('a manifest that is right', () => {
  it('is read', () => {
    expect(parse(MANIFEST)).toEqual(MANIFEST);
    const full = { bytes: 600_000_000, url: 'http://h.test/1?a=b', md5Disputed: 'why' };
    expect(parse(withFile(full)).files[1]).toEqual({ ...OTHER, ...full });
  });

  it.each([
    ['upper case', OTHER.md5.toUpperCase()],
    ['white space around it', ` ${OTHER.md5}\r\n`],
  ])('has its MD5s made the same: %s (#150)', (_, md5) => {
    expect(parse(withFile({ md5 })).files[1]?.md5).toBe(OTHER.md5);
  });

  it('may begin with a byte order mark, and come through a pipe', async () => {
    const root = await tempDir();
    const path = join(root, 'm.json');
    await writeFile(path, `\ufeff${JSON.stringify(MANIFEST)}`);
    expect(await loadManifest(path)).toEqual(MANIFEST);
    await promisify(execFile)('mkfifo', [join(root, 'pipe')]);
    const [read] = await Promise.all([
      loadManifest(join(root, 'pipe')),
      writeFile(join(root, 'pipe'), JSON.stringify(MANIFEST)),
    ]);
    expect(read).toEqual(MANIFEST);
  });
});

describe('a manifest that is wrong is refused by place and reason', () => {
  it.each([
    [
      '#150 too short',
      { md5: 'abc' },
      'files[1] (ChestDx-2.zip): md5 must be 32 hexadecimal digits',
    ],
    ['#150 no hex', { md5: 'g'.repeat(32) }, ': md5 must be 32'],
    ['#150 as md5sum -b writes it', { md5: `${OTHER.md5} *ChestDx-2.zip` }, ': md5 must be 32'],
    ['#150 a number', { md5: 5 }, ': md5 must be a text ("…"), not a number'],
    ['#151 up', { name: '../x.zip' }, 'files[1] (../x.zip): name must be a plain file name'],
    ['#151 absolute', { name: '/x.zip' }, ': name must be a plain'],
    ['#151 below', { name: 'a/x.zip' }, ': name must be a plain'],
    ['#151 below, Windows', { name: 'a\\x.zip' }, ': name must be a plain'],
    ['#151 drive', { name: 'C:x.zip' }, ': name must be a plain'],
    ['#151 encoded', { name: '%2e%2e%2fx.zip' }, ': name must be a plain'],
    ['#151 hidden', { name: '.ccxri.zip' }, ': name must be a plain'],
    ['#151 like an option', { name: '-rf.zip' }, ': name must be a plain'],
    ['#151 control characters', { name: 'a\x1b[2J.zip' }, 'a\\x1b[2J.zip'],
    ['#151 right-to-left', { name: 'a\u202egnp.zip' }, 'a\\u202egnp.zip'],
    ['#151 too long', { name: `${'a'.repeat(200)}.zip` }, ': name must be a plain'],
    ['#151 a device', { name: 'NUL.zip' }, ': name is not a portable file name'],
    ['#151 a device', { name: 'Aux  .zip' }, ': name is not a portable file name'],
    ['#151 a device', { name: 'com1.tar.zip' }, ': name is not a portable'],
    ['#151 ends in a dot', { kind: 'labels', name: 'x.csv.' }, ': name is not a portable'],
    ['#151 ends in a space', { kind: 'labels', name: 'x.csv ' }, ': name is not a portable'],
    [
      '#151 twice',
      { name: FILE.name },
      '(ChestDx-1.zip): name clashes with an earlier file, ChestDx-1.zip',
    ],
    [
      '#151 case twins',
      { name: 'CHESTDX-1.ZIP' },
      ': name clashes with an earlier file, ChestDx-1.zip',
    ],
    ['#151 the same folder of images', { kind: 'labels', name: 'chestdx-1' }, ': name clashes'],
    ['an archive that is no zip', { name: 'x.tar' }, ': name of an archive must end in .zip'],
    ['an archive without a stem', { name: '.zip' }, ': name '],
    [
      '#153 a float',
      { bytes: 1.5 },
      'files[1] (ChestDx-2.zip): bytes must be a whole number, not a fraction',
    ],
    ['#153 negative', { bytes: -1 }, ': bytes must be 0 or more'],
    ['#153 beyond what numbers hold', { bytes: 2 ** 53 }, ': bytes '],
    ['#153 a text', { bytes: '5' }, ': bytes must be a number, not a text'],
    ['#153 a size as a number', { size: 573 }, ': size '],
    ['#153 a size as a float', { size: '1.5GB' }, ': size must be a whole number with K, MB or GB'],
    ['#153 a negative size', { size: '-1MB' }, ': size must be a whole'],
    ['#153 no size', { size: '0MB' }, ': size must be a whole'],
    ['#153 another unit', { size: '5KB' }, ': size must be a whole'],
    ['#153 a size with a space', { size: '5 MB' }, ': size must be a whole'],
    ['#154 an unknown key', { sha256: 'x' }, 'files[1] (ChestDx-2.zip): unknown key "sha256"'],
    [
      '#154 a misspelt key',
      { md6: OTHER.md5, md5: undefined },
      'files[1] (ChestDx-2.zip): unknown key "md6" (did you mean md5?)',
    ],
    ['no MD5', { md5: undefined }, 'wrong: files[1] (ChestDx-2.zip): md5 is missing'],
    ['a category too long', { category: 'x'.repeat(101) }, ': category must have at most 100'],
    ['#155 file:', { url: 'file:///etc/passwd' }, ': url must be an http or https URL'],
    [
      '#155 credentials',
      { url: 'https://me:pw@h.test/' },
      ': url must be an http or https URL without user',
    ],
    ['#155 a user alone', { url: 'https://me@h.test/' }, ': url must be an http'],
    ['#155 no URL', { url: 'h.test/x' }, ': url must be an http'],
    [
      'another kind',
      { kind: 'image' },
      'files[1] (ChestDx-2.zip): kind must be "archive" or "labels"',
    ],
    ['no category', { category: '' }, ': category must not be empty'],
    ['no subset', { subsets: [] }, ': subsets must not be empty'],
    [
      'a subset that is no word',
      { subsets: ['Chest Dx'] },
      ': subsets[0] must be lower-case words',
    ],
    ['a subset called all', { subsets: ['all'] }, ': subsets must not have "all"'],
    ['a subset twice', { subsets: ['x', 'x'] }, ': subsets names a subset twice'],
    ['a name that is missing', { name: undefined }, 'files[1]: name is missing'],
  ])('of a file: %s', (_, change, complaint) => {
    expect(complaintOf(withFile(change))).toContain(complaint);
  });

  it.each([
    [
      '#154 a newer version',
      { ...MANIFEST, manifestVersion: 2, what: 'ever' },
      'has version 2 of the form, this ccxri reads version 1',
    ],
    ['#154 no version', { ...MANIFEST, manifestVersion: undefined }, 'manifestVersion is missing'],
    ['#154 an older version', { ...MANIFEST, manifestVersion: 0 }, 'manifestVersion must be 1'],
    ['#154 an unknown key', { ...MANIFEST, licence: 'x' }, 'is wrong: unknown key "licence"'],
    [
      '#154 a prototype',
      JSON.parse('{"__proto__": {"x": 1}}') as unknown,
      'unknown key "__proto__"',
    ],
    [
      '#155 credentials',
      { ...MANIFEST, homepage: 'https://me:pw@h.test/' },
      'homepage must be an http or https URL without user and password',
    ],
    ['#155 file:', { ...MANIFEST, homepage: 'file:///x' }, 'homepage must be'],
    ['#159 no file', { ...MANIFEST, files: [] }, 'files must not be empty'],
    ['a date that is none', { ...MANIFEST, released: '2021-02-30' }, 'released must be a date'],
    ['a list', [], 'it must be an object ({ … }), not a list'],
    ['null', null, 'it must be an object ({ … }), not null'],
  ])('as a whole: %s', (_, json, complaint) => {
    expect(complaintOf(json)).toContain(complaint);
  });

  it('#152 one URL with two MD5s is refused; the same file twice by URL is not', () => {
    const url = 'https://h.test/1';
    const files = [
      { ...FILE, url },
      { ...OTHER, url },
    ];
    expect(complaintOf({ ...MANIFEST, files })).toContain(
      'files[1] (ChestDx-2.zip): url is that of another file, which has another MD5',
    );
    const same = [
      { ...FILE, url },
      { ...OTHER, url, md5: FILE.md5 },
    ];
    expect(parse({ ...MANIFEST, files: same }).files.length).toBe(2);
  });

  it('never shows a password that is in it', () => {
    expect(complaintOf(withFile({ url: 'https://me:s3cret@h.test/' }))).not.toContain('s3cret');
  });

  it('says each problem once, whether it is one or several', () => {
    expect(complaintOf(withFile({ md5: undefined })).match(/md5/g)).toHaveLength(1);
    const two = complaintOf(withFile({ md5: undefined, size: undefined }));
    expect(two.split('\n')).toEqual([
      'the manifest m.json is wrong: 2 problems',
      'files[1] (ChestDx-2.zip): size is missing',
      'files[1] (ChestDx-2.zip): md5 is missing',
    ]);
    expect(complaintOf({ ...MANIFEST, files: ['ChestDx-1.zip'] })).toContain(
      'files[0] must be an object ({ … }), not a text',
    );
  });

  it('names the first ten reasons, and how many more', () => {
    const files = Array.from({ length: 30 }, (_, i) => ({ ...FILE, name: `x-${i}.zip`, md5: '' }));
    const complaint = complaintOf({ ...MANIFEST, files });
    expect(complaint).toMatch(/^the manifest m\.json is wrong: 30 problems\n/);
    expect(complaint.match(/must be 32/g)?.length).toBe(10);
    expect(complaint).toContain('and 20 more');
  });

  it.each([
    ['{', /is not JSON: /],
    ['', /is not JSON: /],
    ['PK\x03\x04\x1b[2J', /is not JSON: .*\\x1b/],
    [`"${'x'.repeat(17 * 1024 * 1024)}"`, /longer than 16 MiB/],
  ])('where it is not JSON at all: %#', async (text, why) => {
    const path = join(await tempDir(), 'm.json');
    await writeFile(path, text);
    await expect(loadManifest(path)).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: saying(why),
      facts: { path },
    });
  });

  it.each([
    ['/no/such/m.json', 'no such file'],
    ['/dev/null/m.json', 'no such file'],
    ['/', 'it is a directory'],
  ])('where it is not there: %s', async (path, why) => {
    await expect(loadManifest(path)).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: `there is no manifest ${path}: ${why}`,
      next: nextSaying('--manifest FILE'),
    });
  });

  it('#158 where it is an address: nobody is asked for it', async () => {
    const server = await serve((_, reply) => reply.send(answer(200, JSON.stringify(MANIFEST))));
    await expect(loadManifest(`${server.url}/m.json`)).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: saying('no such file'),
    });
    expect(server.connections().made).toBe(0);
  });

  it('where it never ends', async () => {
    await expect(loadManifest('/dev/zero')).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: saying('longer than 16 MiB'),
    });
  });
});
