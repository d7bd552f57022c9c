import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { afterEach } from 'vitest';

/** Linux drops what comes to a socket whose queue is full, and all of 127.0.0.0/8 is the host. */
export const hasSilentAddresses = process.platform === 'linux';
if (!hasSilentAddresses) console.warn('SKIPPED: addresses that do not answer are made on Linux');

export interface SilentAddress {
  /** From now on it answers those that have waited as well, when they ask again. */
  release(): void;
}

const LISTEN = `
  const server = require('node:net').createServer((socket) => socket.end());
  server.listen({ host: process.argv[1], port: Number(process.argv[2]), backlog: 1 }, () => {
    process.stdout.write('listens');
  });`;

/** Addresses that let every connection wait, as one does that leads nowhere: no answer, no refusal. */
export function useSilentAddresses(): (address: string, port: number) => Promise<SilentAddress> {
  const children = new Set<ChildProcess>();
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const child of children) child.kill('SIGKILL');
    sockets.clear();
    children.clear();
  });
  return async (address, port) => {
    const child = spawn(process.execPath, ['-e', LISTEN, address, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    // A backlog of 1 takes two.
    for (let queued = 0; queued < 2; queued += 1) {
      const socket = connect(port, address);
      sockets.add(socket);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
    }
    return { release: () => void child.kill('SIGCONT') };
  };
}
