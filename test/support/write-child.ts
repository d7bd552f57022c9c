// A process of its own that writes a file in a thread, and waits for nothing.
// `write-child.ts PATH BYTES`
import { open } from 'node:fs/promises';
import { WriteThread, writeIn } from '../../src/download/writer.ts';

const [, , path = '', length = '0'] = process.argv;
const bytes = Buffer.from(new SharedArrayBuffer(Number(length)));
bytes.fill('abcdefg');
const file = await open(path, 'wx');
void writeIn(new WriteThread())(file, [bytes], 0).then(() => file.close());
