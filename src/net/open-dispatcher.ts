import type { Dispatcher, EnvHttpProxyAgent } from 'undici';
import { CcxriError } from '../errors.ts';

/**
 * Loads undici, and makes what sends requests. Its parser of HTTP is WebAssembly: to load it is a
 * failure where there is none.
 * @throws CcxriError `usage`: this Node has no WebAssembly
 */
export async function openDispatcher(options: EnvHttpProxyAgent.Options): Promise<Dispatcher> {
  if (!('WebAssembly' in globalThis)) {
    throw new CcxriError('usage', 'this Node.js can not speak HTTP: it has no WebAssembly', {
      hint: 'run ccxri with a Node.js that has WebAssembly (without --jitless), or give it a directory that holds the files: --source DIR',
    });
  }
  const { EnvHttpProxyAgent: Agent } = await import('./undici.ts');
  return new Agent(options);
}
