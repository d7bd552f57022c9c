import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fillBlock, generate, GENERATED, rootPath } from '../../scripts/generated-docs.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { OPTION_KEYS, usageOf, variableOf } from '../../src/cli/options.ts';

const path = rootPath('README.md');

describe('the generated documents (`npm run docs` writes them)', () => {
  it.each(Object.keys(GENERATED))('%s is what the code makes', async (name) => {
    expect(await readFile(rootPath(name), 'utf8')).toBe(await generate(name));
  });

  it('have every option once, with its variable, and every exit code', async () => {
    const options = await readFile(rootPath('docs/options.md'), 'utf8');
    for (const key of OPTION_KEYS) {
      expect(options.split(`| \`${usageOf(key)}\``), key).toHaveLength(2);
      expect(options, key).toContain(`| \`${variableOf(key)}\``);
    }
    const readme = await readFile(path, 'utf8');
    const rows = readme.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const { code, meaning, next } of EXIT_CODES) {
      expect(rows).toContainEqual(['', `${code}`, meaning, next, '']);
    }
  });

  it('want the markers of a block once', () => {
    const marked = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n';
    const filled = fillBlock(marked, 'x', 'new');
    expect(filled).toBe('a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n');
    expect(fillBlock(filled, 'x', 'new')).toBe(filled);
    expect(() => fillBlock('no markers', 'x', '')).toThrow('<!-- x -->');
    expect(() => fillBlock(marked + marked, 'x', '')).toThrow('once');
  });
});

describe('the table of what you see', () => {
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
