import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { kernelSource } from '../../scripts/inflate-kernel/kernel-source.ts';
import { compile } from '../../scripts/inflate-kernel/language.ts';

it('src/zip/inflate-kernel/kernel.generated.ts is what the program makes (`npm run inflate-kernel` writes it)', async () => {
  const path = new URL('../../src/zip/inflate-kernel/kernel.generated.ts', import.meta.url);
  expect(await readFile(path, 'utf8')).toBe(await kernelSource());
});

it.each([
  ['fn f() { x = y }', 'nothing was given to y'],
  ['fn f() { g() }', 'there is no function g'],
  ['fn f(p) { x = u64[p] u8[p] = x }', 'a long stands where an int is needed'],
  ['fn f() { if 1 x = 2 }', 'expected {, found x'],
  ['fn f() { x = 1 ? 2 }', 'not of this language: ? 2'],
])('the kernel’s language refuses %s', (source, why) => {
  expect(() => compile(source, {})).toThrow(why);
});
