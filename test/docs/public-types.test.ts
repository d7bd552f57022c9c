import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rootPath } from '../../scripts/generated-docs.ts';
import { publicTypes } from '../../scripts/public-types.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

it('src/index.ts exports every type that its declarations mention, and they need no package', () => {
  const { text, missing } = publicTypes(rootPath('src/index.ts'), rootPath('.'));
  expect(missing).toEqual([]);
  expect(text).not.toMatch(/\bimport\b/);
  expect(text).toMatch(/^export interface Clock \{$/m);
  expect(text).toMatch(/^export declare function fetchDataset\(/m);
}, 120_000);

it('a type that is mentioned, and not exported, is named with the one that mentions it', async () => {
  const dir = await tempDir();
  await writeFile(join(dir, 'tsconfig.json'), '{ "compilerOptions": { "module": "nodenext" } }');
  await writeFile(
    join(dir, 'inner.ts'),
    [
      'export interface Hidden { readonly a: number }',
      'export interface Given { readonly hidden: Hidden }',
      'interface Base { readonly at: Date }',
      'export class Result<T> implements Base { readonly at = new Date(); of?: T }',
      'export const NAMES = ["x"] as const;',
      'export function take<T>(given: Given, also: T): Result<T> { return new Result(); }',
    ].join('\n'),
  );
  const entry = join(dir, 'index.ts');
  await writeFile(entry, "export { NAMES, take, type Given } from './inner.js';\n");
  const { text, missing } = publicTypes(entry, dir);
  expect(missing).toEqual(['Hidden, mentioned by Given', 'Result, mentioned by take']);
  expect(text).toBe(
    [
      'export declare const NAMES: readonly ["x"];',
      'export declare function take<T>(given: Given, also: T): Result<T>;',
      'export interface Given {',
      '    readonly hidden: Hidden;',
      '}',
      'export {};',
      '',
    ].join('\n'),
  );
}, 60_000);
