// The entry of a hash thread; hash-pool.ts starts it.
import { serveThread } from '../threads/serve.ts';
import { HashLoop } from './hash-loop.ts';
import type { HashTypes } from './hash-pool.ts';

const loop = new HashLoop();
serveThread<HashTypes>(({ fd }, reply) => loop.begin(fd, reply));
