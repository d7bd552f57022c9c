import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('the package has the documents that README.md links to, and no mark of the build', async () => {
  const argv = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', argv, { cwd: root });
  const paths = [...stdout.matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path);
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const linked = [...readme.matchAll(/\]\((docs\/[\w-]+\.md)(?:#[\w-]+)?\)/g)].map(([, to]) => to);
  expect(linked).toContain('docs/troubleshooting.md');
  const wanted = [...linked, 'ARCHITECTURE.md', 'SECURITY.md', 'docs/decisions.md'];
  expect(paths).toEqual(expect.arrayContaining([...wanted, 'docs/reliability.md']));
  expect(paths).not.toContain('dist/.built');
}, 60_000);
