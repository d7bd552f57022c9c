import { throwIfAborted } from '../abort.ts';
import { type Session, withSession } from '../dataset/session.ts';
import type { Listening } from '../http-server/listen.ts';
import { isLoopbackAddress, urlOf, urlsForOthers } from './addresses.ts';
import { DatasetServer } from './dataset-server.ts';
import type { ServeOptions, ServeResult } from './types.ts';

/**
 * Serves the files of a dataset directory that have passed their check over HTTP, until `signal` fires: that is
 * its end, and no failure. Nothing is written, and no lock is taken: what a fetch brings meanwhile is served,
 * too.
 * @throws CcxriError `usage`: the port or address can't be used; `missing`: there is no such directory;
 *   `unknown-subset`, `unknown-file`; `aborted`: the signal fired before it listened; of the disk
 */
export async function serveDataset(options: ServeOptions): Promise<ServeResult> {
  return withSession(options, { mustExist: true }, async (session) => {
    const server = new DatasetServer(session, options);
    throwIfAborted(options.signal);
    const listening = await server.open();
    try {
      await announce(session, server, listening);
      await Promise.race([fired(options.signal), server.failed]);
    } finally {
      await server.close(listening);
    }
    const { dest } = session;
    return { dest, url: urlOf(listening), ...server.site.counts, elapsedMs: session.elapsedMs() };
  });
}

function fired(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function announce(
  { dest, files, onEvent }: Session,
  { site }: DatasetServer,
  listening: Listening,
): Promise<void> {
  const url = urlOf(listening);
  const others = urlsForOthers(listening);
  if (!isLoopbackAddress(listening.address)) {
    const where = others.length === 0 ? url : others.join(', ');
    const message = `anyone who reaches this machine over the network can read what is served: ${where}`;
    onEvent({ event: 'warning', code: 'open-to-network', message });
  }
  const here = await site.filesHere();
  const numbers = { files: here.length, of: files.length };
  onEvent({ event: 'serving', url, urlsForOthers: others, dest, ...numbers });
}
