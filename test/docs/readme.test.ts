import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fillBlocks } from '../../scripts/readme-blocks.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';

const path = fileURLToPath(new URL('../../README.md', import.meta.url));
const exists = existsSync(path);
if (!exists) console.warn('skipped: there is no README.md to compare with');

describe.skipIf(!exists)('README.md', () => {
  it('has the tables of options and exit codes that the code has (`npm run docs` writes them)', async () => {
    const readme = await readFile(path, 'utf8');
    expect(readme).toBe(await fillBlocks(readme, path));
  });
});

describe.skipIf(!exists)('the table of what you see', () => {
  it('quotes messages that the code has, and lacks no exit code but 0', async () => {
    const readme = await readFile(path, 'utf8');
    const table = /^\| you see .*?\n\n/ms.exec(readme)?.[0] ?? '';
    const seen = table
      .split('\n')
      .slice(2)
      .map((row) => row.split(' | ')[0] ?? '');
    const quoted = seen.flatMap((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
    );
    const parts = quoted.flatMap((text) => text.split('…').map((part) => part.trim()));
    const words = parts.filter((part) => /[a-z]{2}/.test(part));
    expect(words.length).toBeGreaterThan(10);
    const code = await sourceText();
    expect(words.filter((part) => !code.includes(part))).toEqual([]);
    const codes = seen.flatMap((cell) =>
      (/\(([\d, ]+)\)$/.exec(cell.trim())?.[1] ?? '').split(', '),
    );
    const missing = EXIT_CODES.filter((row) => row.code !== 0 && !codes.includes(`${row.code}`));
    expect(missing).toEqual([]);
  });
});

/** Every source file as one text, with the line breaks that the formatter made taken out. */
async function sourceText(): Promise<string> {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const names = await readdir(root, { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(files.map((name) => readFile(join(root, name), 'utf8')));
  return texts.join('\n').replace(/\$\{[^}]*\}/g, '…');
}

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
