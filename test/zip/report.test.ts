import { describe, expect, it } from 'vitest';
import { CcxriError } from '../../src/errors.ts';
import { problemOfName } from '../../src/zip/names.ts';
import { ArchiveReport } from '../../src/zip/report.ts';

/** The other tests compare codes: the wording is here, once. */
it('names are rejected in these words', () => {
  const names = [
    ...['', 'a'.repeat(1025), 'a\0', 'a\\b', '/a', 'c:a', '../a', 'a//b'],
    ...['a?b', 'nul.jpg', 'a.', 'a'.repeat(256), 'a/'.repeat(65)],
  ];
  const texts = names.map((name) => problemOfName(name)).map((p) => `${p?.code}: ${p?.text}`);
  expect(texts).toMatchInlineSnapshot(`
    [
      "no-name: has no name",
      "path-too-long: has a path of more than 1024 bytes",
      "control-characters: has control or invisible characters in its name",
      "backslash: has a backslash in its name, a separator on other systems",
      "absolute-path: has an absolute path",
      "absolute-path: has an absolute path (a drive)",
      "path-traversal: leads out of the folder with ".."",
      "empty-path-part: has an empty part or "." in its path",
      "forbidden-character: has a "?" in its name, which Windows does not allow",
      "device-name: has a name that Windows reserves for a device",
      "trailing-dot-or-space: ends in a dot or space, which Windows strips",
      "name-too-long: has a name of more than 255 bytes",
      "path-too-deep: is more than 64 folders deep",
    ]
  `);
});

describe('a report', () => {
  it('of warnings alone rejects nothing, and counts what repeats', () => {
    const report = new ArchiveReport('x.zip');
    report.warn('a member has a date that does not exist', 'a.jpg');
    report.warn('a member has a date that does not exist', 'b.jpg');
    report.warn('4 bytes behind the archive');
    expect(() => report.assertUsable()).not.toThrow();
    expect(report.warnings).toEqual([
      'a member has a date that does not exist: a.jpg and 1 more',
      '4 bytes behind the archive',
    ]);
  });

  it('names each reason with its code, and says what can be done', () => {
    const report = new ArchiveReport('x.zip');
    report.reject('link', 'is a link', 'a.jpg');
    report.reject('total-size', 'its members would take 9 GB');
    let error: unknown;
    try {
      report.assertUsable();
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof CcxriError)) throw new Error('it is safe');
    expect(error.message).toBe('x.zip is not safe to unpack: a.jpg: is a link');
    expect(error.facts).toMatchObject({
      reasons: ['a.jpg: is a link', 'its members would take 9 GB'],
      reasonCodes: ['link', 'total-size'],
    });
    expect(error.next.map(({ kind }) => kind)).toEqual(['advice', 'option']);
  });
});
