import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rootPath } from '../../scripts/generated-docs.ts';
import { MANIFEST, RELEASE, fetchOf, set } from '../support/demo-lines.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

/** As an editor of Windows saves a text, or git checks it out there. */
async function asOnWindows(text: string, path: string): Promise<string> {
  await writeFile(path, `\ufeff${text.replace(/\r?\n/g, '\r\n')}`);
  return path;
}

it('a manifest, a lockfile, settings and a list of images are read with CRLF and a byte-order mark', async () => {
  const root = await tempDir();
  const dest = join(root, 'set');
  const text = await readFile(MANIFEST, 'utf8');
  const manifest = await asOnWindows(text, join(root, 'manifest.json'));
  const fetched = await runCli(fetchOf('viral', dest));
  expect(fetched.code, fetched.stderr).toBe(0);

  const lockfile = join(root, 'ccxri.lock.json');
  expect((await runCli(['lock', '--subset', 'viral', ...set(dest)])).code).toBe(0);
  await asOnWindows(await readFile(lockfile, 'utf8'), lockfile);
  const line = ['fetch', '--locked', '--dest', dest, '--manifest', manifest, '--source', RELEASE];
  const locked = await runCli(line);
  expect(locked.code, locked.stderr).toBe(0);

  const project = join(root, 'project');
  await mkdir(project);
  await asOnWindows('{\n  "dest": "mine"\n}\n', join(project, 'ccxri.config.json'));
  const config = documentOf((await runCli(['config', '--json'], { cwd: project })).stdout);
  expect(JSON.stringify(config.result)).toContain(JSON.stringify(join(project, 'mine')));

  const index = await readFile(join(dest, 'index.csv'), 'utf8');
  const [path = ''] = (index.split('\n')[1] ?? '').split(',');
  const list = join(root, 'images.txt');
  await asOnWindows(`image\n${path.replaceAll('/', '\\')}\n`, list);
  const { stdout, code, stderr } = await runCli([
    'query',
    '--images',
    list,
    '--json',
    ...set(dest),
  ]);
  expect(code, stderr).toBe(0);
  expect(documentOf(stdout).counts).toMatchObject({ images: 1 });
});

it('every text of the repository is checked out with LF, whatever git is set to', () => {
  const lines = execFileSync('git', ['ls-files', '--eol'], {
    cwd: rootPath('.'),
    encoding: 'utf8',
  });
  for (const line of lines.trim().split('\n')) {
    expect(line).toMatch(/^i\/(?:lf|none) .*attr\/text=auto eol=lf|^i\/-text .*attr\/-text/);
  }
});
