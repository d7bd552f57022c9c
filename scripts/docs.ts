// Rewrites the tables of README.md that are made of the code's own: `npm run docs`.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fillBlocks } from './readme-blocks.ts';

const path = fileURLToPath(new URL('../README.md', import.meta.url));
await writeFile(path, await fillBlocks(await readFile(path, 'utf8'), path));
