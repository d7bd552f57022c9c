import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fillBlocks } from '../../scripts/readme-blocks.ts';

const path = fileURLToPath(new URL('../../README.md', import.meta.url));
const exists = existsSync(path);
if (!exists) console.warn('skipped: there is no README.md to compare with');

describe.skipIf(!exists)('README.md', () => {
  it('has the tables of options and exit codes that the code has (`npm run docs` writes them)', async () => {
    const readme = await readFile(path, 'utf8');
    expect(readme).toBe(await fillBlocks(readme, path));
  });
});

describe('the tables', () => {
  it('want their markers, each once', async () => {
    const marked =
      '<!-- options -->\n<!-- /options -->\n<!-- exit-codes -->\n<!-- /exit-codes -->\n';
    const filled = await fillBlocks(marked, path);
    expect(filled).toContain('`CCXRI_LIMIT_RATE`');
    expect(await fillBlocks(filled, path)).toBe(filled);
    await expect(fillBlocks('no markers', path)).rejects.toThrow('<!-- exit-codes -->');
    await expect(fillBlocks(marked + marked, path)).rejects.toThrow('once');
  });
});
