import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { casesIn, casesInTests } from '../support/test-names.ts';

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const reliability = await readFile(pathOf('docs/reliability.md'), 'utf8');
const catalogue = await readFile(pathOf('docs/hostile-cases.md'), 'utf8');

/** The numbers at the beginning of the rows of a Markdown table. */
function numbersOfRows(text: string): readonly number[] {
  return [...text.matchAll(/^\| +(\d+) +\|/gm)].map(([, digits]) => Number(digits));
}

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
function blockOf(name: string): string {
  const block = new RegExp(`<!-- ${name} -->(.*)<!-- /${name} -->`, 's').exec(reliability);
  if (block?.[1] === undefined) throw new Error(`docs/reliability.md has no block "${name}"`);
  return block[1];
}

const all = numbersOfRows(catalogue);
const tested = await casesInTests(pathOf('test'));
const gaps = numbersOfRows(blockOf('gaps'));

describe(`the hostile cases: ${tested.size} of ${all.length} are in tests, ${gaps.length} are gaps`, () => {
  it('have the numbers from 1 on, each once', () => {
    expect(all).toEqual(all.map((_, index) => index + 1));
    expect(all).toHaveLength(225);
  });

  it('are each in the name of a test, or explained as a gap, and not both', () => {
    const neither = all.filter((number) => !tested.has(number) && !gaps.includes(number));
    const both = gaps.filter((number) => tested.has(number));
    expect({ neither, both }).toEqual({ neither: [], both: [] });
    expect(new Set(gaps).size).toBe(gaps.length);
  });

  it('are the only ones that tests and gaps speak of', () => {
    const others = [...tested.keys(), ...gaps].filter((number) => !all.includes(number));
    expect(others).toEqual([]);
  });
});

describe('docs/reliability.md', () => {
  it('names tests and files that are there', () => {
    const named = [...reliability.matchAll(/`((?:test|src|docs|scripts)\/[\w./-]+)`/g)];
    const missing = named.map(([, path = '']) => path).filter((path) => !existsSync(pathOf(path)));
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });
});

describe('the numbers of a test file', () => {
  it('are those in titles and rows, wherever they are in them', () => {
    const text = `
      const ROWS = [{ name: '#5 in a table by name' }, { other: '#99' }] as const;
      describe.skipIf(x)('#1 #2 a full disk', () => {
        it('what is deleted (#3)', () => {});
        it.each(ROWS)('$name', () => {});
        it.each([['#6 first', '#99'], [\`#7 \${x}\`]])('%s', () => {});
        it.skipIf(!y).each([{ name: '#8 x' }])('$name of #9', () => {});
        test(\`#10 \${a} and #11\`, () => {});
      });`;
    expect([...casesIn(text)].sort((a, b) => a - b)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('are not those elsewhere, nor of what is skipped for good', () => {
    const text = `
      // #1
      const href = '#2';
      it.each(['#3', '#4'])('that can not be followed: %s', () => { expect('#5').toBe(x('#6')); });
      it.skip('#7 later', () => {});
      describe.todo('#8');
      it('issue #1234', () => {});`;
    expect([...casesIn(text)]).toEqual([]);
  });
});
