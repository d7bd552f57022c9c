import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { fillBlock, generate, GENERATED, rootPath } from '../../scripts/generated-docs.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { OPTION_KEYS, usageOf, variableOf } from '../../src/cli/options.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { listDataset } from '../../src/list.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { formatBytes } from '../../src/text.ts';

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
    const page = await readFile(rootPath('docs/troubleshooting.md'), 'utf8');
    const table = /^\| you see .*?\n$/ms.exec(page)?.[0] ?? '';
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

describe('what to expect', () => {
  it('has the sizes that `ccxri list` has, and the times that follow from them', async () => {
    const { subsets } = listDataset(await loadManifest());
    const table = /^\| selection .*?\n\n/ms.exec(await readFile(path, 'utf8'))?.[0] ?? '';
    const rows = table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) => row.split('|').map((cell) => cell.trim()));
    expect(rows).toHaveLength(5);
    for (const [
      ,
      selection = '',
      download,
      disk = '',
      deleting = '',
      slow = '',
      fast = '',
    ] of rows) {
      const name = /--subset ([\w-]+)/.exec(selection)?.[1] ?? '';
      const bytes = subsets.find(({ subset }) => subset === name)?.bytes ?? NaN;
      expect({ name, download }).toEqual({ name, download: formatBytes(bytes) });
      expect(numberOf(disk) / bytes, name).toBeCloseTo(2.05, 1);
      expect(numberOf(deleting), name).toBeLessThanOrEqual(numberOf(disk));
      expect(numberOf(slow) / ((bytes * 8) / 20e6), name).toBeCloseTo(1, 1);
      expect(numberOf(fast) / ((bytes * 8) / 100e6), name).toBeCloseTo(1, 1);
    }
  });
});

/** Of a size in bytes, of a time in seconds. */
function numberOf(text: string): number {
  const units = { MB: 1e6, GB: 1e9, s: 1, min: 60, h: 3600 } as const;
  const [, number, unit] = /^([\d.]+) (MB|GB|s|min|h)$/.exec(text) ?? [];
  const factor = Object.entries(units).find(([name]) => name === unit)?.[1];
  return Number(number) * (factor ?? NaN);
}

describe('the examples', () => {
  it('of the library can be compiled', async () => {
    const pages = [path, rootPath('docs/library.md')].map((name) => readFile(name, 'utf8'));
    const blocks = [...(await Promise.all(pages)).join('').matchAll(/^```ts\n(.*?)^```/gms)];
    const examples = new Map(
      blocks.map(([, code = ''], i) => [rootPath(`test/docs/readme-example-${i}.ts`), code]),
    );
    expect([...examples.values()].join('')).toMatch(
      /fetchDataset[^]*datasetStatus[^]*verifyDataset/,
    );
    const options: ts.CompilerOptions = {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      paths: { ccxri: [rootPath('src/index.ts')] },
    };
    const disk = ts.createCompilerHost(options);
    const host: ts.CompilerHost = {
      ...disk,
      fileExists: (name) => examples.has(name) || disk.fileExists(name),
      readFile: (name) => examples.get(name) ?? disk.readFile(name),
      getSourceFile: (name, ...rest) => {
        const code = examples.get(name);
        if (code === undefined) return disk.getSourceFile(name, ...rest);
        return ts.createSourceFile(name, code, ts.ScriptTarget.ES2023, true);
      },
    };
    const program = ts.createProgram([...examples.keys()], options, host);
    const problems = [...examples.keys()].flatMap((name) =>
      ts.getPreEmitDiagnostics(program, program.getSourceFile(name)),
    );
    expect(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    ).toEqual([]);
  }, 60_000);

  it('of the command line are command lines, and scripts of npm are there', async () => {
    const docs = ['adopt', 'handoff', 'library', 'manifest', 'troubleshooting'];
    const pages = ['README.md', ...docs.map((name) => `docs/${name}.md`)];
    const texts = await Promise.all(pages.map((name) => readFile(rootPath(name), 'utf8')));
    const text = texts.join('\n');
    const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, code = '']) => code);
    const lines = [
      ...[...text.matchAll(/`ccxri ([a-z]+ [^`]*)`/g)].map(([, words = '']) => words),
      ...[...blocks.join('').matchAll(/\bccxri ([a-z][^#;>|`]*)/g)].map(([, words = '']) => words),
      // What the tables say to type behind a command that downloads.
      ...[...text.matchAll(/(?<=^\|.*)`(--[\w-]+ [^`]+)`/gm)].map(
        ([, words = '']) => `fetch ${words}`,
      ),
    ].filter((words) => !/…|COMMAND|NAME\b/.test(words));
    expect(lines.length).toBeGreaterThan(35);
    for (const line of lines) {
      expect(() => parseCommandLine(wordsOf(line), 80), line).not.toThrow();
    }
    const scripts = [...text.matchAll(/\bnpm run ([\w-]+)/g)].map(([, name = '']) => name);
    const known = JSON.parse(await readFile(rootPath('package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    expect(scripts).toContain('demo');
    expect(scripts.filter((name) => !(name in known.scripts))).toEqual([]);
  });
});

/** Split as a shell does, for what the pages quote: single quotes alone. */
const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
