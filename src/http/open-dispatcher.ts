import type { buildConnector, Dispatcher, EnvHttpProxyAgent } from 'undici';
import { CcxriError } from '../errors.ts';
import type { ReadBuffers } from './read-buffers.ts';

/**
 * Loads undici, and makes what sends requests. Its parser of HTTP is WebAssembly: to load it is a
 * failure where there is none.
 * @throws CcxriError `usage`: this Node has no WebAssembly
 */
export async function openDispatcher(
  options: EnvHttpProxyAgent.Options,
  connect: buildConnector.BuildOptions,
  reads: ReadBuffers,
): Promise<Dispatcher> {
  if (!('WebAssembly' in globalThis)) {
    throw new CcxriError('usage', 'this Node.js can not speak HTTP: it has no WebAssembly', {
      hint: 'run ccxri with a Node.js that has WebAssembly (without --jitless), or give it a directory that holds the files: --source DIR',
    });
  }
  const undici = await import('./undici.ts');
  const connector = reads.connector(undici.buildConnector, connect);
  return new undici.EnvHttpProxyAgent({ ...options, connect: connector });
}
