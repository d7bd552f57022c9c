import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { BASE, FLOORS, KNOW_NO_MANIFEST } from '../../scripts/import-rules.mjs';
import { hashThreads, unpackThreads } from '../../src/threads/budget.ts';

const SRC = join(import.meta.dirname, '../../src');

interface SourceFile {
  readonly lines: number;
  /** Files of src/ it imports, types counted. */
  readonly imports: readonly string[];
}

/** By path below src/. */
const files = new Map(
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => [path, readSource(path)]),
);

function readSource(path: string): SourceFile {
  const text = readFileSync(join(SRC, path), 'utf8');
  const imports: string[] = [];
  const visit = (node: ts.Node): void => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (specifier && ts.isStringLiteral(specifier) && specifier.text.startsWith('.')) {
      imports.push(relative(SRC, resolve(SRC, dirname(path), specifier.text)));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return { lines: text.split('\n').length - 1, imports };
}

/** The folder of src/ that a file lies in, or its own name where it lies in none. */
const roomOf = (path: string) => path.replace(/(\/.*|\.ts)$/, '');

/** 0 is the top; the base is below all floors. */
function floorOf(path: string): number {
  const room = roomOf(path);
  if (BASE.includes(room)) return FLOORS.length;
  const floor = FLOORS.findIndex((names) => names.includes(room));
  if (floor === -1) throw new Error(`src/${path} stands on no floor of scripts/import-rules.mjs`);
  return floor;
}

const eachImport = [...files].flatMap(([from, { imports }]) => imports.map((to) => ({ from, to })));

describe('the structure of src/', () => {
  it('has imports that lead downwards only, types counted', () => {
    const wrong = eachImport.filter(({ from, to }) => {
      if (roomOf(from) === roomOf(to)) return false;
      if (KNOW_NO_MANIFEST.includes(roomOf(from)) && roomOf(to) === 'manifest') return true;
      if (floorOf(from) === FLOORS.length) return floorOf(to) !== FLOORS.length;
      return floorOf(to) <= floorOf(from);
    });
    expect(wrong).toEqual([]);
    expect(eachImport.length).toBeGreaterThan(100);
  });

  it('has no circle, types counted', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const walk = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' -> '));
      if (way.includes(path) || done.has(path)) return;
      for (const next of files.get(path)?.imports ?? []) walk(next, [...way, path]);
      done.add(path);
    };
    for (const path of files.keys()) walk(path, []);
    expect(circles).toEqual([]);
  });

  it('has every folder on a floor, and no floor for a folder that is gone', () => {
    const rooms = new Set([...files.keys()].map(roomOf));
    expect([...rooms].sort()).toEqual([...FLOORS.flat(), ...BASE].sort());
  });
});

describe('ARCHITECTURE.md', () => {
  const text = readFileSync(join(SRC, '../ARCHITECTURE.md'), 'utf8');

  it('lists the folders of src/ from the top floor down, and no others', () => {
    const listed = [...text.matchAll(/^\| `src\/([\w-]+)(?:\/|\.ts)` /gm)].map(([, name]) => name);
    expect(listed).toEqual(FLOORS.flat());
    const base = /^\| the base .*$/m.exec(text)?.[0] ?? '';
    expect([...base.matchAll(/`src\/([\w-]+)\.ts`/g)].map(([, name]) => name)).toEqual(BASE);
  });

  it('names files that exist', () => {
    const named = [...text.matchAll(/`(src\/[\w./-]+\.ts|scripts\/[\w./-]+|test\/[\w./-]+)`/g)];
    const missing = named.flatMap(([, path = '']) =>
      existsSync(join(SRC, '..', path)) ? [] : [path],
    );
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });

  it('has the numbers of threads that the code has', () => {
    expect(text).toContain(`no more than ${hashThreads(64)}, each started`);
    expect(text).toContain(`unpacked by at most ${unpackThreads(64)} threads`);
  });

  it('has each word of its glossary in the code', () => {
    const glossary = text.slice(
      text.indexOf('## Glossary'),
      text.indexOf('## How a file is hashed'),
    );
    const words = [...glossary.matchAll(/^\| ([a-z -]+?) +\|/gm)].map(([, word = '']) => word);
    const code = [...files.keys()].map((path) => readFileSync(join(SRC, path), 'utf8')).join('');
    const names = code.toLowerCase().replaceAll(/[^a-z]/g, '');
    const absent = words.filter((word) => !names.includes(word.replaceAll(/[ -]/g, '')));
    expect(words.length).toBeGreaterThanOrEqual(25);
    expect(absent.filter((word) => word !== 'word')).toEqual([]);
  });
});
