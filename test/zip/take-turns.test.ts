import { expect, it } from 'vitest';
import { Turns } from '../../src/zip/directory.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('turns come one after the other, and who stops waiting keeps nobody', async () => {
  const turns = new Turns();
  const taken: string[] = [];
  const take = async (name: string, signal?: AbortSignal) => {
    const end = await turns.take(signal);
    taken.push(name);
    return end;
  };
  const endFirst = await take('first');
  const stop = new AbortController();
  const second = take('second', stop.signal);
  const third = take('third');
  await settled();
  expect(taken).toEqual(['first']);
  stop.abort();
  await expect(second).rejects.toMatchObject({ code: 'aborted' });
  await settled();
  expect(taken).toEqual(['first']);
  endFirst();
  (await third)();
  (await take('fourth'))();
  expect(taken).toEqual(['first', 'third', 'fourth']);
});
