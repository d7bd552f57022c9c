import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeVersion } from '../../src/doctor/newer.ts';
import type { DoctorResult } from '../../src/doctor/types.ts';
import { readVersion } from '../../src/fs/package-version.ts';
import { RELEASE, MANIFEST } from '../support/demo-lines.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** Runs doctor where npm is a script; gives its code and the row about the version. */
async function doctorWith(script: string | undefined, ...more: readonly string[]) {
  const root = await tempDir();
  await mkdir(join(root, 'bin'));
  if (script !== undefined) {
    await writeFile(join(root, 'bin/npm'), `#!/bin/sh\n${script}\n`);
    await chmod(join(root, 'bin/npm'), 0o755);
  }
  const argv = ['doctor', '--manifest', MANIFEST, '--source', RELEASE, '--dest', join(root, 'set')];
  const env = {
    PATH: script === undefined ? join(root, 'bin') : `${join(root, 'bin')}:/usr/bin:/bin`,
  };
  const { code, stdout } = await runCli([...argv, '--json', ...more], { env });
  const { checks } = documentOf(stdout).result as DoctorResult;
  return { code, row: checks.find(({ check }) => check === 'version') };
}

describe('doctor --newer', () => {
  it('asks npm for the version, and nothing else', async () => {
    const script = `[ "$*" = 'view ccxri version --json --fetch-retries=0' ] && echo '"99.1.2"'`;
    const { code, row } = await doctorWith(script, '--newer');
    expect(code).toBe(0);
    expect(row).toMatchObject({
      ...{ part: 'machine', status: 'warning' },
      seen: `ccxri ${readVersion()}; there is a newer one, 99.1.2`,
    });
  });

  it('asks nobody without it', async () => {
    const root = await tempDir();
    expect((await doctorWith(`touch ${root}/asked; echo '"99.1.2"'`)).row).toBeUndefined();
    expect(await readdir(root)).toEqual([]);
  });

  it.each([
    [undefined, 'there is no npm to ask'],
    [`echo 'npm error code E404' >&2; exit 1`, "npm's registry has no ccxri"],
    [`echo 'npm error code ENOTFOUND' >&2; exit 1`, 'npm could not say it (no network?)'],
    [`echo '<html>log in</html>'`, 'npm could not say it'],
    ['kill -9 $$', 'npm could not say it'],
  ])('never fails: %s', async (script, why) => {
    const { code, row } = await doctorWith(script, '--newer');
    expect(code).toBe(0);
    expect(row?.status).toBe('ok');
    expect(row?.seen).toContain(`not known: ${why}`);
  });
});

describe('a version', () => {
  const judge = (own: string, newest: string) =>
    judgeVersion(own, { stdout: `"${newest}"\n`, stderr: '', error: null }).status;

  it.each([
    ['0.1.0', '0.1.1'],
    ['0.9.0', '0.10.0'],
    ['0.99.99', '1.0.0'],
    ['1.0.0-rc.1', '1.0.0'],
  ])('%s is older than %s', (own, newest) => {
    expect(judge(own, newest)).toBe('warning');
    expect(judge(newest, own)).toBe('ok');
    expect(judge(own, own)).toBe('ok');
  });
});
