import { expect, it } from 'vitest';
import { FirstAlone } from '../../src/ranges/first-alone.ts';

interface Begun {
  readonly name: string;
  readonly end: (error?: Error) => void;
}

function works(first: FirstAlone) {
  const begun: Begun[] = [];
  const settled: string[] = [];
  const start = (name: string) => {
    const work = () =>
      new Promise<void>((resolve, reject) => {
        const end = (error?: Error) => (error === undefined ? resolve() : reject(error));
        begun.push({ name, end });
      });
    return first.run(work).then(
      () => settled.push(name),
      (error: unknown) => settled.push(`${name}: ${error instanceof Error ? error.message : ''}`),
    );
  };
  return { begun, settled, start, names: () => begun.map(({ name }) => name) };
}

const aTurn = () => new Promise((resolve) => setImmediate(resolve));

it.each([
  [true, ['a', 'b', 'c']],
  [false, ['a']],
])('released (%s) from the start: these begin', async (isReleased, expected) => {
  const { start, names } = works(new FirstAlone(isReleased));
  for (const name of ['a', 'b', 'c']) void start(name);
  await aTurn();
  expect(names()).toEqual(expected);
});

it('lets the others begin once the first is released, although it is not over', async () => {
  const first = new FirstAlone(false);
  const { start, names, settled } = works(first);
  for (const name of ['a', 'b']) void start(name);
  await aTurn();
  first.release();
  await aTurn();
  void start('c');
  expect(names()).toEqual(['a', 'b', 'c']);
  expect(settled).toEqual([]);
});

it('fails all where the first fails, and those that come later', async () => {
  const { start, begun, settled, names } = works(new FirstAlone(false));
  const all = ['a', 'b', 'c'].map(start);
  await aTurn();
  begun[0]?.end(new Error('gone'));
  await Promise.all([...all, start('d')]);
  expect(names()).toEqual(['a']);
  expect(settled.sort()).toEqual(['a: gone', 'b: gone', 'c: gone', 'd: gone']);
});
