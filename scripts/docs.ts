// Writes the documents that are made of the code's own tables: `npm run docs`.
import { writeFile } from 'node:fs/promises';
import { GENERATED, generate, rootPath } from './generated-docs.ts';

for (const name of Object.keys(GENERATED)) await writeFile(rootPath(name), await generate(name));
