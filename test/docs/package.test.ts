import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('the package has the documents that README.md links to, and no mark of the build', async () => {
  const argv = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', argv, { cwd: root });
  const paths = [...stdout.matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'ARCHITECTURE.md',
      'SECURITY.md',
      'docs/decisions.md',
      'docs/hostile-cases.md',
      'docs/manifest.md',
      'docs/options.md',
      'docs/reliability.md',
    ]),
  );
  expect(paths).not.toContain('dist/.built');
}, 60_000);
