import type { ShardTarget } from '../types.ts';

/** A write has its price, and a row is short. */
const CHUNK_CHARS = 256 * 1024;

/**
 * Writes a file of many short pieces of text.
 * @param name relative to the export, with `/`
 */
export async function writeText(
  { create }: Pick<ShardTarget, 'create'>,
  name: string,
  pieces: AsyncIterable<string>,
): Promise<void> {
  const file = await create(name);
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length < CHUNK_CHARS) continue;
    await file.write(text);
    text = '';
  }
  if (text !== '') await file.write(text);
  await file.close();
}
