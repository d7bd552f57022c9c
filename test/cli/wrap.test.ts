import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderError } from '../../src/cli/render-error.ts';
import { View, wrapProse } from '../../src/cli/view.ts';
import { CcxriError } from '../../src/errors.ts';

const LONG = 'one two three four five six seven eight nine ten eleven twelve';

describe('prose', () => {
  it('is broken at blanks, with the further lines indented', () => {
    expect(wrapProse(`${LONG}\n  short`, 40, '  ')).toBe(
      'one two three four five six seven eight\n  nine ten eleven twelve\n  short',
    );
    expect(wrapProse(`  ${LONG}`, 40)).toBe(
      '  one two three four five six seven\neight nine ten eleven twelve',
    );
  });

  it('is left as it is in a pipe, and where the terminal is too narrow for prose', () => {
    expect(wrapProse(LONG, Infinity)).toBe(LONG);
    expect(wrapProse(LONG, 20)).toBe(LONG);
  });

  it('keeps commands and paths in one piece', () => {
    const command = '`ccxri fetch --subset all --dest /data/set --source https://mirror.example/`';
    expect(wrapProse(`get it with ${command}, then go on`, 40)).toBe(
      `get it with\n${command},\nthen go on`,
    );
    const path = `/data/${'x'.repeat(60)}`;
    expect(wrapProse(`it is ${path} now`, 40)).toBe(`it is\n${path}\nnow`);
  });

  it('does not count colours', () => {
    const text = `\u001b[31merror:\u001b[39m ${'x'.repeat(30)} y`;
    expect(wrapProse(text, 40)).toBe(text);
  });

  it('loses nothing but blanks, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '`', '\n') }), (text) => {
        const bare = (of: string) => of.replace(/[ \n]/g, '');
        expect(bare(wrapProse(text, 40, '  '))).toBe(bare(text));
      }),
    );
  });
});

it('an error is no wider than the terminal, but for what is to be copied', () => {
  const error = new CcxriError('md5-mismatch', `a.zip: ${LONG}, ${LONG}`, {
    expected: LONG,
    next: [{ kind: 'advice', text: `${LONG}: \`ccxri fetch\`` }],
  });
  const lines = renderError(error, new View({ width: 50, color: false, verbose: false })).split(
    '\n',
  );
  expect(lines.length).toBeGreaterThan(6);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(50);
});
