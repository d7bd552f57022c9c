import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asRecord } from '../support/json-shape.ts';
import { writeManifest, writeRelease } from '../support/doctor.ts';
import { documentOf, eventsOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

async function argvOf(...more: readonly string[]): Promise<readonly string[]> {
  const source = await tempDir();
  await writeRelease(source);
  const manifest = await writeManifest(await tempDir());
  const dest = join(await tempDir(), 'set');
  return ['doctor', '--manifest', manifest, '--source', source, '--dest', dest, ...more];
}

describe('doctor', () => {
  it('shows a line a check, source by source, and a summary', async () => {
    const argv = await argvOf();
    const { code, stdout, stderr } = await runCli(argv, { columns: 80, env: { NO_COLOR: '1' } });
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^looking; .*a minute at most…\n$/)]);
    expect((await runCli(argv)).stderr).toBe('');
    expect(stdout).toMatch(/^network {2}\/.*\n {2}ok {7}source {8}a directory with 2 of 2 files$/m);
    expect(stdout).toMatch(/^destination {2}\/.*set$/m);
    expect(stdout).toMatch(/^machine\n {2}ok {7}Node {10}Node \d+/m);
    expect(stdout).toMatch(/^no problem that keeps a fetch from working.*; \d+ checks in \d+ s$/m);
  });

  it('says what to do below a problem, once, with the options that were typed', async () => {
    const argv = await argvOf('--source', 'http://nobody.invalid/{name}');
    const { code, stdout, stderr } = await runCli(argv, { columns: 80, env: { NO_COLOR: '1' } });
    expect([code, stderr]).toEqual([4, expect.not.stringContaining('error')]);
    expect(stdout).toMatch(/^ {2}problem {2}name lookup {3}nobody\.invalid: /m);
    expect(stdout).toMatch(/^ {25}next: check the name, the network and its name server,$/m);
    expect(stdout.match(/next: check the name/g)).toHaveLength(1);
    expect(stdout).toMatch(/^1 problem/m);
    const widest = Math.max(...stdout.split('\n').map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(80);
    const quiet = await runCli([...argv, '-q']);
    expect([quiet.code, quiet.stdout]).toEqual([4, '']);
    expect(quiet.stderr).toMatch(/^error: name lookup: nobody\.invalid: /m);
    const colored = await runCli([...argv, '--color', 'always']);
    expect(colored.stdout).toContain('\u001b[31mproblem\u001b[39m');
  });

  it('is one document with --json, and an event a check with --ndjson', async () => {
    const argv = await argvOf('--source', 'http://nobody.invalid/{name}');
    const document = documentOf((await runCli([...argv, '--json'])).stdout);
    expect(document).toMatchObject({ command: 'doctor', ok: false, exitCode: 4 });
    expect(document.counts).toMatchObject({ problems: 1 });
    expect(document.errors[0]).toMatchObject({
      code: 'network',
      source: 'http://nobody.invalid/{name}',
    });
    const rows = asRecord(document.result)['checks'];
    expect(rows).toContainEqual(expect.objectContaining({ check: 'directory', status: 'ok' }));
    const events = eventsOf((await runCli([...argv, '--ndjson'])).stdout);
    const checks = events.filter(({ event }) => event === 'check');
    expect(checks.length).toBe(Array.isArray(rows) ? rows.length : 0);
    expect(events.at(-1)?.event).toBe('summary');
  });

  it('a source that does not exist is wrong usage; the rest is looked at all the same', async () => {
    const argv = await argvOf('--source', '/nonexistent');
    const { code, stdout } = await runCli(argv);
    expect(code).toBe(2);
    expect(stdout).toContain('there is no such directory or file');
    expect(stdout).toContain('2 of 2 files');
  });
});
