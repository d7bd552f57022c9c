import { describe, expect, it } from 'vitest';
import { hasBlocks, isLiveTerminal, wantsColor } from '../../src/cli/io.ts';
import { renderError, renderErrors } from '../../src/cli/render-error.ts';
import { suggestFor } from '../../src/cli/next-steps.ts';
import type { RawOptions } from '../../src/cli/options.ts';
import { View, renderTable } from '../../src/cli/view.ts';
import { CcxriError, type ErrorCode, type NextStep } from '../../src/errors.ts';
import { quoteForShell } from '../../src/text.ts';
import { Paper } from '../support/run-cli.ts';

const OPTIONS = { width: 80, color: false, verbose: false };
const PLAIN = new View(OPTIONS);
const VERBOSE = new View({ ...OPTIONS, verbose: true });

const advice = (text: string): readonly NextStep[] => [{ kind: 'advice', text }];

describe('an error', () => {
  const error = new CcxriError('md5-mismatch', 'ChestDx-1.zip is not the published file', {
    file: 'ChestDx-1.zip',
    path: '/data/.ccxri/bad/ChestDx-1.zip',
    url: 'https://mirror.example/ChestDx-1.zip',
    expected: 'MD5 c5ef',
    found: 'MD5 ffff',
    kept: 'the wrong bytes, put aside',
    next: advice('give another --source'),
    cause: new Error('first\u001b[31m', { cause: new Error('second') }),
  });

  it('says what, where, expected, got, kept, and what to do next', () => {
    expect(renderError(error, PLAIN)).toBe(
      [
        'error: ChestDx-1.zip is not the published file',
        '  path:     /data/.ccxri/bad/ChestDx-1.zip',
        '  url:      https://mirror.example/ChestDx-1.zip',
        '  expected: MD5 c5ef',
        '  got:      MD5 ffff',
        '  kept:     the wrong bytes, put aside',
        'next: give another --source',
        '',
      ].join('\n'),
    );
  });

  it('shows causes with -v alone, escaped, and a stack never', () => {
    const text = renderError(error, VERBOSE);
    expect(text).toContain('cause:    first\\x1b[31m\n');
    expect(text).toContain('cause:    second\n');
    expect(text).not.toMatch(/\n +at /);
  });

  it('names the file where the message does not', () => {
    const text = renderError(new CcxriError('network', 'no route', { file: 'a.zip' }), PLAIN);
    expect(text).toBe('error: a.zip: no route\n');
  });

  it('lists reasons one a line', () => {
    const unsafe = new CcxriError('unsafe-archive', 'a.zip is refused', { reasons: ['x', 'y'] });
    expect(renderError(unsafe, PLAIN)).toBe('error: a.zip is refused\n  - x\n  - y\n');
  });

  it('is red only where colour is wanted', () => {
    expect(renderError(error, PLAIN)).not.toContain('\u001b');
    expect(renderError(error, new View({ ...OPTIONS, color: true }))).toContain(
      '\u001b[31merror:\u001b[39m',
    );
  });

  it('among many is one line, and each hint is shown once', () => {
    const many = Array.from(
      { length: 12 },
      (_, i) =>
        new CcxriError('network', `no route to ${i}`, { kept: 'x', next: advice('run it again') }),
    );
    const text = renderErrors(many, PLAIN);
    expect(text.match(/^error: /gm)).toHaveLength(12);
    expect(text.match(/kept:/g)).toHaveLength(10);
    expect(text.match(/^next: /gm)).toHaveLength(1);
    expect(renderErrors(many, VERBOSE).match(/kept:/g)).toHaveLength(12);
  });

  it('that differs from others in its file alone is shown once, with their names', () => {
    const files = ['a.zip', 'b-1.zip', 'b-2.zip', 'b-3.zip', 'e.zip'];
    const alike = files.map(
      (file) => new CcxriError('file-not-at-source', `${file} is not at x`, { file, source: 'y' }),
    );
    const other = new CcxriError('no-link', 'f.zip has no link', { file: 'f.zip' });
    expect(renderErrors([...alike, other], PLAIN)).toBe(
      [
        'error: 5 files are not at x',
        '  files:    a.zip, b-1…3.zip, e.zip',
        '  source:   y',
        'error: f.zip has no link',
        '',
      ].join('\n'),
    );
    expect(renderErrors(alike, VERBOSE)).toContain('a.zip, b-1.zip, b-2.zip, b-3.zip, e.zip\n');
  });

  it('is followed by what to do about it, which is said once for several causes', () => {
    const error = (file: string, code: ErrorCode, hint: string) =>
      new CcxriError(code, `${file} is wrong`, { file, next: advice(hint) });
    const errors = [
      ...['a.zip', 'b.zip'].map((file) => error(file, 'md5-mismatch', 'get it elsewhere')),
      error('c.zip', 'damaged-archive', 'get it elsewhere'),
      error('d.zip', 'network', 'again'),
    ];
    expect(renderErrors(errors, PLAIN)).toBe(
      [
        'error: d.zip is wrong',
        'next: again',
        'error: 2 files are wrong',
        '  files:    a.zip, b.zip',
        'error: c.zip is wrong',
        'next: get it elsewhere',
        '',
      ].join('\n'),
    );
  });

  it('that is none of ours is a bug, with its stack only where -v is given', () => {
    const bug = new TypeError('x is not a function\u0007');
    const text = renderError(bug, PLAIN);
    expect(text).toContain('error: TypeError: x is not a function\\x07\n  this is a bug in ccxri');
    expect(text).not.toMatch(/\n +at /);
    expect(text).toContain('-v');
    expect(renderError(bug, VERBOSE)).toMatch(/\n +at /);
  });
});

describe('a table', () => {
  const columns = ['file', { right: 'size' }, 'why'];
  const rows = [
    ['a.zip', '1 MB', 'no'],
    ['chest_dx.csv', '300 KB', ''],
  ];

  it('has aligned columns where it fits', () => {
    const table = [
      'file            size  why',
      'a.zip           1 MB  no',
      'chest_dx.csv  300 KB',
      '',
    ];
    expect(renderTable(columns, rows, 80)).toBe(table.join('\n'));
    expect(renderTable(columns, rows, 25)).toBe(table.join('\n'));
  });

  it('puts a row into lines of its own where it does not', () => {
    const lines = ['a.zip', '  size: 1 MB', '  why: no', 'chest_dx.csv', '  size: 300 KB', ''];
    expect(renderTable(columns, rows, 24)).toBe(lines.join('\n'));
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(20);
  });
});

describe('a suggested command', () => {
  const typed = { dest: '/data/my set', manifest: 'lab.json', source: ['a.html', '/b'] };
  const fetchWith = (flags: RawOptions, ...files: readonly string[]) =>
    suggestFor(flags).command('fetch', { files });

  it('goes where the user was', () => {
    const { command, hintOf } = suggestFor(typed);
    const verify = "`ccxri verify --dest '/data/my set' --manifest lab.json`";
    expect(command('verify')).toBe(verify);
    const fetch =
      "`ccxri fetch --file a --dest '/data/my set' --manifest lab.json --source a.html --source /b`";
    expect(command('fetch', { files: ['a'] })).toBe(fetch);
    const next = [
      { kind: 'run', command: 'verify' },
      { kind: 'run', command: 'fetch', files: ['a'], purpose: 'to get it' },
    ] as const;
    expect(hintOf({ next })).toBe(`run ${verify}, then run ${fetch} to get it`);
    expect(hintOf({ next: [] })).toBeUndefined();
  });

  it('has options of its own before those that were typed, and an argument before both', () => {
    expect(suggestFor({ dest: 'x' }).command('verify', { options: { deep: true } })).toBe(
      '`ccxri verify --deep --dest x`',
    );
    expect(suggestFor({}).command('manifest', { argument: 'a b', options: { output: 'c' } })).toBe(
      "`ccxri manifest 'a b' --output c`",
    );
  });

  it('leaves a source of one file out where it is for others', () => {
    const source = ['/m/Viral-1.zip', 'https://a.example/x/Viral-2.zip?k=1', '/m', 'page.html'];
    expect(fetchWith({ source }, 'chest_dx.csv')).toBe(
      '`ccxri fetch --file chest_dx.csv --source /m --source page.html`',
    );
    expect(fetchWith({ source }, 'viral-1')).toBe(
      '`ccxri fetch --file viral-1 --source /m/Viral-1.zip --source /m --source page.html`',
    );
    const [zip = ''] = source;
    const { command } = suggestFor({ source: [zip] });
    const subsets = ['viral'];
    expect(command('fetch')).toBe(`\`ccxri fetch --source ${zip}\``);
    expect(command('fetch', { subsets })).toBe(`\`ccxri fetch --subset viral --source ${zip}\``);
    expect(command('fetch', { subsets, files: ['chest_dx'] })).toBe(
      `\`ccxri fetch --subset viral --file chest_dx --source ${zip}\``,
    );
  });

  it('shows no password of a source, and nothing secret of its query', () => {
    const source = ['https://me:pw@a.example/x/?sig=s', 'https://b.example/'];
    expect(fetchWith({ source })).toBe(
      "`ccxri fetch --source 'https://a.example/x/?sig=…' --source https://b.example/`",
    );
  });

  it('has the query that a source needs, and the place of the name', () => {
    const source = ['https://a.example/get?id=7&file={name}', 'https://a.example/{name}/raw?v=2'];
    expect(fetchWith({ source })).toBe(
      "`ccxri fetch --source 'https://a.example/get?id=7&file={name}' --source 'https://a.example/{name}/raw?v=2'`",
    );
  });

  it('is left alone where it has the option itself, or does not take it', () => {
    const { command } = suggestFor(typed);
    expect(command('join', { options: { dest: 'DIR', manifest: 'FILE' } })).toBe(
      '`ccxri join --dest DIR --manifest FILE`',
    );
    expect(command('help', { argument: 'join' })).toBe('`ccxri help join`');
    expect(command('manifest', { argument: 'DIR' })).toBe('`ccxri manifest DIR`');
    expect(suggestFor({}).command('fetch')).toBe('`ccxri fetch`');
    expect(suggestFor({ dest: 'x' }).command('list')).toBe('`ccxri list --dest x`');
    expect(suggestFor({ dest: 'x' }).command('manifest')).toBe('`ccxri manifest`');
  });

  it('can be pasted into a shell', () => {
    expect(quoteForShell("it's")).toBe("'it'\\''s'");
    expect(quoteForShell('$(rm -rf x)')).toBe("'$(rm -rf x)'");
    expect(quoteForShell('a/b-c_1.zip')).toBe('a/b-c_1.zip');
    expect(quoteForShell('')).toBe("''");
  });
});

describe('colour', () => {
  const terminal = new Paper(80);
  const pipe = new Paper();
  it.each([
    ['auto', terminal, {}, true],
    ['auto', pipe, {}, false],
    ['auto', terminal, { NO_COLOR: '1' }, false],
    ['auto', terminal, { NO_COLOR: '' }, true],
    ['auto', pipe, { FORCE_COLOR: '1' }, true],
    ['auto', terminal, { FORCE_COLOR: '0' }, false],
    ['auto', terminal, { CI: 'true' }, false],
    ['auto', terminal, { CI: 'true', FORCE_COLOR: '1' }, true],
    ['always', terminal, { CI: 'true' }, true],
    ['auto', pipe, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['auto', terminal, { TERM: 'dumb' }, false],
    ['never', terminal, { FORCE_COLOR: '1' }, false],
    ['always', pipe, { NO_COLOR: '1' }, true],
  ] as const)('%s, %#', (choice, stream, env, expected) => {
    expect(wantsColor(choice, stream, env)).toBe(expected);
  });

  it('and bars are for live terminals alone', () => {
    expect(isLiveTerminal(terminal, {})).toBe(true);
    expect(isLiveTerminal(pipe, {})).toBe(false);
    expect(isLiveTerminal(terminal, { CI: 'true' })).toBe(false);
    expect(isLiveTerminal(terminal, { CI: 'false' })).toBe(true);
    expect(isLiveTerminal(terminal, { TERM: 'dumb' })).toBe(false);
  });

  it.each<[Readonly<Record<string, string>>, boolean]>([
    [{}, false],
    [{ LANG: 'en_GB.UTF-8' }, true],
    [{ LANG: 'C' }, false],
    [{ LC_ALL: '', LC_CTYPE: 'C.utf8', LANG: 'C' }, true],
    [{ LC_ALL: 'POSIX', LC_CTYPE: 'C.UTF-8', LANG: 'C.UTF-8' }, false],
    [{ WT_SESSION: '1' }, true],
    [{ LANG: 'C.UTF-8', TERM: 'linux' }, false],
  ])('has block characters by its locale: %j %s', (env, expected) => {
    expect(hasBlocks(env)).toBe(expected);
  });
});
