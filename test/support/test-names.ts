import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

/** Hostile cases by their number, each with the test files that have it in the name of a test. */
export type CasesInTests = ReadonlyMap<number, ReadonlySet<string>>;

/**
 * Reads the numbers (`#84`) from the names of all tests below a directory: of `it`, `test` and
 * `describe`, and of the rows of their tables. What is skipped for good does not count.
 */
export async function casesInTests(root: string): Promise<CasesInTests> {
  const cases = new Map<number, Set<string>>();
  const names = await readdir(root, { recursive: true });
  for (const name of names.filter((each) => each.endsWith('.test.ts')).sort()) {
    const text = await readFile(join(root, name), 'utf8');
    for (const number of casesIn(text)) {
      const files = cases.get(number) ?? new Set<string>();
      cases.set(number, files.add(name));
    }
  }
  return cases;
}

/** The numbers in the names of one file's tests. */
export function casesIn(text: string): ReadonlySet<number> {
  const file = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
  const found = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      for (const name of namesOf(node, file)) {
        for (const [, digits] of name.matchAll(/#(\d{1,3})\b/g)) found.add(Number(digits));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Of `it('…')` its title; of `it.each(TABLE)('…')` the title, and what the rows are called. */
function namesOf(call: ts.CallExpression, file: ts.SourceFile): readonly string[] {
  const words = wordsOf(call.expression);
  const [root = ''] = words;
  if (!['it', 'test', 'describe'].includes(root)) return [];
  if (words.some((word) => word === 'skip' || word === 'todo')) return [];
  const [first] = call.arguments;
  if (first === undefined) return [];
  const isTable = ts.isPropertyAccessExpression(call.expression) && words.at(-1) === 'each';
  if (isTable) return rowsOf(first, file).flatMap(nameOfRow);
  return textOf(first);
}

/** `describe.skipIf(x).each(y)` as its words. */
function wordsOf(callee: ts.Expression): readonly string[] {
  if (ts.isIdentifier(callee)) return [callee.text];
  if (ts.isPropertyAccessExpression(callee))
    return [...wordsOf(callee.expression), callee.name.text];
  return ts.isCallExpression(callee) ? wordsOf(callee.expression) : [];
}

/** The rows of a table, in place or under a name of the same file. */
function rowsOf(table: ts.Expression, file: ts.SourceFile): readonly ts.Expression[] {
  if (ts.isArrayLiteralExpression(table)) return table.elements;
  if (ts.isAsExpression(table)) return rowsOf(table.expression, file);
  if (!ts.isIdentifier(table)) return [];
  const declared = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .find(({ name }) => ts.isIdentifier(name) && name.text === table.text);
  return declared?.initializer === undefined ? [] : rowsOf(declared.initializer, file);
}

/** A row is called what stands first in it, or under `name`. */
function nameOfRow(row: ts.Expression): readonly string[] {
  if (ts.isArrayLiteralExpression(row)) return row.elements.slice(0, 1).flatMap(textOf);
  if (!ts.isObjectLiteralExpression(row)) return [];
  return row.properties
    .filter(ts.isPropertyAssignment)
    .filter(({ name }) => ts.isIdentifier(name) && name.text === 'name')
    .flatMap(({ initializer }) => textOf(initializer));
}

function textOf(node: ts.Expression): readonly string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (!ts.isTemplateExpression(node)) return [];
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
}
