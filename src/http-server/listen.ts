import { once } from 'node:events';
import type { Server } from 'node:http';
import { CcxriError, type NextStep, errnoOf } from '../errors.ts';
import { toPrintable } from '../text.ts';

/** A server that takes connections. */
export interface Listening {
  /** The address that it is bound to. */
  readonly address: string;
  readonly port: number;
  /** Ends every connection, too. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** An address of this machine, or a name of one. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** @throws CcxriError `usage`: the port is taken, or the address is none of this machine */
export async function listen(server: Server, { host, port }: ListenOptions): Promise<Listening> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw toListenError(error, host, port);
  }
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('not bound to a port');
  return {
    address: bound.address,
    port: bound.port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const ANOTHER_PORT: NextStep = {
  kind: 'option',
  option: 'port',
  or: { kind: 'option', option: 'port', value: '0', purpose: 'for any free one' },
};

function toListenError(error: unknown, host: string, port: number): unknown {
  const errno = errnoOf(error) ?? '';
  const shown = toPrintable(host, 100);
  switch (errno) {
    case 'EADDRINUSE':
      return new CcxriError('usage', `port ${port} of ${shown} is in use`, {
        next: [ANOTHER_PORT],
        cause: error,
      });
    case 'EACCES':
      return new CcxriError('usage', `this user may not listen on port ${port}`, {
        next: [ANOTHER_PORT],
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new CcxriError('usage', `${shown} is no address of this machine (${errno})`, {
        next: [{ kind: 'option', option: 'host', value: '0.0.0.0', purpose: 'for all of them' }],
        cause: error,
      });
    default:
      return error;
  }
}
