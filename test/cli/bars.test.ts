import { expect, it } from 'vitest';
import { renderBar } from '../../src/cli/bars.ts';

it.each<[share: number, blocks: string, plain: string]>([
  [0, '', ''],
  [Number.NaN, '', ''],
  [0.001, '▏', '#'],
  [0.5, '██', '##'],
  [0.59375, '██▍', '##'],
  [1, '████', '####'],
])('a bar of %d', (share, blocks, plain) => {
  expect(renderBar(share, 4, true)).toBe(blocks);
  expect(renderBar(share, 4, false)).toBe(plain);
});
