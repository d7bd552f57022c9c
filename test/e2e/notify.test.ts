import { chmod, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callFor } from '../../src/cli/notify.ts';
import { fetchOf } from '../support/demo-lines.ts';
import { PROGRAM, useProgram } from '../support/program.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { ccxri, command } = useProgram();

/** A PATH whose notify-send is a script; it has what it was called with in `called`. */
async function makeDesktop(script: string) {
  const root = await tempDir();
  const program = join(root, 'bin/notify-send');
  await mkdir(join(root, 'bin'));
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const called = join(root, 'called');
  const env = { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`, CALLED: called };
  return { env, args: async () => (await readFile(called, 'utf8')).split('\0').slice(0, -1) };
}

const RECORD = `printf '%s\\0' "$@" >"$CALLED"`;

describe('--notify', () => {
  it('shows what has ended, by arguments that no shell reads', async () => {
    const { env, args } = await makeDesktop(RECORD);
    const dest = '/tmp/no-$(touch x)&<b>-here';
    const { code, stdout } = await ccxri(['status', dest, '--notify', '--json'], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0 });
    const [app, end, title, body] = await args();
    expect([app, end, title]).toEqual(['--app-name=ccxri', '--', 'ccxri status: done']);
    expect(body).toMatch(/^\/tmp\/no-\$\(touch x\)&amp;&lt;b&gt;-here, after .*s$/);
  });

  it('says how a run has failed', async () => {
    const { env, args } = await makeDesktop(RECORD);
    const { code } = await ccxri(
      ['verify', '--subset', 'viral', '--dest', '/tmp/nothing-there', '--notify'],
      env,
    );
    expect(code).toBe(5);
    expect((await args()).slice(2)).toEqual([
      'ccxri verify: code 5',
      expect.stringMatching(/^missing files; /),
    ]);
  });

  it.each(['exit 1', 'echo bad; echo bad >&2; kill -9 $$', 'exec sleep 600'])(
    'depends on nothing that notify-send does: %s',
    async (script) => {
      const { env } = await makeDesktop(script);
      expect(await ccxri(['list', '-q', '--notify'], env)).toMatchObject({ code: 0, stderr: '' });
    },
    30_000,
  );

  it('does without a program, and rings where there is a terminal', async () => {
    const env = { PATH: '/nonexistent', TERM: 'xterm' };
    expect((await runCli(['list', '--notify'], { env, columns: 80 })).stderr).toBe('\u0007');
    expect((await runCli(['list', '--notify'], { env })).stderr).toBe('');
    expect(
      (await runCli(['list', '--notify'], { env: { ...env, CI: '1' }, columns: 80 })).stderr,
    ).toBe('');
  });

  it('has the texts beside the script on macOS and Windows', () => {
    const ended = { command: 'fetch', dest: `"; '$(x)`, exitCode: 4, elapsedMs: 1000 };
    const mac = callFor('darwin', ended, {});
    expect(mac.program).toBe('osascript');
    expect(mac.args.slice(-2)).toEqual([
      'ccxri fetch: code 4',
      expect.stringContaining(`"; '$(x)`),
    ]);
    const windows = callFor('win32', ended, { SystemRoot: 'D:\\Win' });
    expect(windows.program).toBe('D:\\Win\\System32\\WindowsPowerShell\\v1.0\\powershell.exe');
    expect(windows.args.join(' ')).not.toContain('$(x)');
    expect(windows.env).toMatchObject({ CCXRI_TITLE: 'ccxri fetch: code 4' });
  });
});

describe('--log-file that can not grow', () => {
  it('is said once, and the run goes on', async () => {
    const root = await tempDir();
    const log = join(root, 'run.log');
    await writeFile(log, '');
    await truncate(log, 4_000_000);
    const argv = [...fetchOf('all', join(root, 'set')), '--log-file', log];
    const { code, stderr } = await command('prlimit', [
      ...['--fsize=4000000', process.execPath, PROGRAM],
      ...argv,
    ]);
    expect(code, stderr).toBe(0);
    expect(
      stderr.match(/run\.log gets no more lines: it could not be written \(EFBIG\)/g),
    ).toHaveLength(1);
  });
});
