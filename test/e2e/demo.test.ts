import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../support/csv.ts';
import { useProgram } from '../support/program.ts';
import { documentOf } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { ccxri } = useProgram();

describe('ccxri demo', () => {
  it('leaves a dataset to look at, and says where and how', async () => {
    const dest = join(await tempDir(), 'demo set');
    const { code, stdout, stderr } = await ccxri(['demo', '--dest', dest]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^\[9\/9\] .+: downloaded$/m);
    const rows = parseCsv(await readFile(join(dest, 'index.csv'), 'utf8'));
    expect(stdout).toContain(`${join(dest, 'index.csv')}: ${rows.length} rows`);
    const covid = rows.filter((row) => row['class'] === 'COVID-19');
    expect(stdout).toMatch(new RegExp(`^COVID-19 +${covid.length}$`, 'm'));
    const [, manifest = ''] = /verify --deep --dest '.+' --manifest '(.+)'/.exec(stdout) ?? [];
    const verified = await ccxri(['verify', dest, '--deep', '--manifest', manifest, '--json']);
    expect(documentOf(verified.stdout)).toMatchObject({ exitCode: 0, counts: { verified: 9 } });
  });

  it('names a program that is there, where `npm run demo` runs it in a clone', async () => {
    const dest = join(await tempDir(), 'set');
    const { stdout } = await ccxri(['demo', '--dest', dest], { npm_lifecycle_event: 'demo' });
    expect(stdout).toContain(`  npx ccxri status --dest ${dest} --manifest `);
  });

  it('with -n makes nothing', async () => {
    const directory = await tempDir();
    const dest = join(directory, 'set');
    const { code, stdout } = await ccxri(['demo', '--dest', dest, '-n']);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was written');
    await expect(readFile(dest)).rejects.toThrow('ENOENT');
  });
});
