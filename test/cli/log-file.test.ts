import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MANIFEST, RELEASE, fetchOf } from '../support/demo-lines.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import * as raw from '../support/raw-server.ts';

const tempDir = useTempDirs();
const serve = raw.useRawServers();

const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z +\S/;

describe('--log-file', () => {
  it('gets what -v would say, a line with its time each, whatever the screen shows', async () => {
    const root = await tempDir();
    const log = join(root, 'run.log');
    await writeFile(log, 'from before\n');
    const quiet = await runCli([...fetchOf('all', join(root, 'a')), '-q', '--log-file', log]);
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    const verbose = await runCli([...fetchOf('all', join(root, 'b')), '-v']);
    const [before, ...lines] = (await readFile(log, 'utf8')).trimEnd().split('\n');
    expect(before).toBe('from before');
    for (const line of lines) expect(line).toMatch(LINE);
    const said = lines.map((line) => line.slice(25));
    expect(said[0]).toMatch(/^ccxri \d+\.\d+\.\d+ fetch$/);
    expect(said.at(-1)).toBe('exit code 0');
    // Paths and times differ, and the order in which files are done.
    const kinds = (all: readonly string[]) =>
      all
        .map((line) => line.replaceAll(/\d+(?:[.,]\d+)*|\/(?:a|b)\b/g, '#'))
        .filter((line) => line.includes('.zip: '))
        .sort();
    expect(kinds(said).length).toBeGreaterThan(5);
    expect(kinds(said)).toEqual(kinds(verbose.stderr.split('\n')));
  });

  it.each([
    ['bars', { columns: 100 }, []],
    ['events', {}, ['--ndjson']],
    ['colours', {}, ['--color', 'always']],
  ])('has no control characters, beside %s', async (_, world, more) => {
    const root = await tempDir();
    const log = join(root, 'run.log');
    const argv = [...fetchOf('viral', join(root, 'set')), '--log-file', log, ...more];
    expect((await runCli(argv, world)).code).toBe(0);
    const text = await readFile(log, 'utf8');
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    expect(text).toMatch(/Viral-1\.zip/);
  });

  it('has the errors of a run, and its code', async () => {
    const root = await tempDir();
    const log = join(root, 'run.log');
    const argv = [...fetchOf('viral', join(root, 'set'), '/nonexistent'), '--log-file', log];
    expect((await runCli([...argv, '-q'])).code).toBe(2);
    const text = await readFile(log, 'utf8');
    expect(text).toMatch(/Z error: .*nonexistent/);
    expect(text).toMatch(/Z next: /);
    expect(text).toMatch(/Z exit code 2\n$/);
  });

  it('#168 has no tokens, passwords or queries', async () => {
    const root = await tempDir();
    const log = join(root, 'run.log');
    const server = await serve((_, reply) =>
      reply.send(raw.answer(403, 'no', { 'Content-Type': 'text/plain' })),
    );
    const url = new URL(`${server.url}/{name}?token=s3cret`);
    url.username = 'me';
    url.password = 's3cret';
    const argv = [
      'fetch',
      '--subset',
      'viral',
      '--manifest',
      MANIFEST,
      '--dest',
      join(root, 'set'),
    ];
    const { code, stderr } = await runCli(
      [
        ...argv,
        '--source',
        url.href.replaceAll('%7B', '{').replaceAll('%7D', '}'),
        '--retries',
        '0',
        '-v',
        '--log-file',
        log,
      ],
      { env: { CCXRI_HEADER: 'Authorization: Bearer s3cret' } },
    );
    expect(code, stderr).not.toBe(0);
    const text = await readFile(log, 'utf8');
    expect(text).toMatch(/403/);
    expect(text + stderr).not.toContain('s3cret');
  });

  it('that can not be opened ends a run before it begins', async () => {
    const root = await tempDir();
    const at = (log: string) => runCli([...fetchOf('all', join(root, 'set')), '--log-file', log]);
    await mkdir(join(root, 'folder'));
    for (const log of [join(root, 'folder'), '-', '/dev/null', join(root, 'nowhere/run.log')]) {
      const { code, stderr } = await at(log);
      expect(code).toBe(2);
      expect(stderr).toContain('--log-file');
    }
    expect((await at('/proc/run.log')).code).toBe(6);
    await expect(readFile(join(root, 'set/index.csv'))).rejects.toThrow('ENOENT');
  });

  it('may be that of several runs at once', async () => {
    const root = await tempDir();
    const log = join(root, 'run.log');
    const runs = ['a', 'b', 'c'].map((name) =>
      runCli([
        'fetch',
        '--subset',
        'all',
        '--manifest',
        MANIFEST,
        '--source',
        RELEASE,
        '--dest',
        join(root, name),
        '--log-file',
        log,
      ]),
    );
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0, 0]);
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(LINE);
    expect(lines.filter((line) => line.endsWith('exit code 0'))).toHaveLength(3);
  });
});
