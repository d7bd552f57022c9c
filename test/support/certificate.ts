import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('SKIPPED: openssl is not here; the tests of certificates do not run');

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate that nobody has signed but itself. @param args of `openssl req` */
export async function selfSigned(
  directory: string,
  ...args: readonly string[]
): Promise<{ readonly key: string; readonly cert: string }> {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', ...NEW_KEY],
    ...['-keyout', key, '-out', cert, '-subj', '/CN=ccxri-test', ...args],
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}

/** Where the files of a chain are. */
export interface Chain {
  /** Who has to be trusted. */
  readonly root: string;
  /** Of 127.0.0.1: its certificate, then each intermediate. */
  readonly chain: string;
  readonly key: string;
}

/**
 * A certificate signed by way of an intermediate, of which the server sends an expired version as well,
 * in front of the one that holds: what is left where an authority has renewed its own.
 */
export async function chainWithOldIntermediate(directory: string): Promise<Chain> {
  const path = (name: string) => join(directory, name);
  const openssl = (...args: readonly string[]) => {
    const made = spawnSync('openssl', args);
    if (made.status !== 0) throw new Error(made.stderr.toString());
  };
  const request = (name: string, subject: string, ...args: readonly string[]) =>
    openssl(
      ...['req', ...NEW_KEY, '-keyout', path(`${name}.key`), '-subj', subject],
      ...['-out', path(`${name}.pem`), ...args],
    );
  await writeFile(path('authority.cnf'), 'basicConstraints=critical,CA:TRUE\n');
  await writeFile(path('server.cnf'), 'subjectAltName=IP:127.0.0.1\n');
  request('root', '/CN=ccxri-test root', '-x509');
  request('between', '/CN=ccxri-test intermediate');
  request('server', '/CN=127.0.0.1');
  const sign = (name: string, by: string, as: string, ...args: readonly string[]) =>
    openssl(
      ...['x509', '-req', '-in', path(`${name}.pem`), '-CA', path(`${by}.pem`)],
      ...['-CAkey', path(`${by.replace('-signed', '')}.key`), '-CAcreateserial'],
      ...['-out', path(`${as}.pem`), ...args],
    );
  const authority = ['-extfile', path('authority.cnf')];
  sign('between', 'root', 'between-old', '-days', '-1', ...authority);
  sign('between', 'root', 'between-signed', ...authority);
  sign('server', 'between-signed', 'server-signed', '-extfile', path('server.cnf'));
  const parts = ['server-signed', 'between-old', 'between-signed'].map((name) => `${name}.pem`);
  const chain = await Promise.all(parts.map((name) => readFile(path(name), 'utf8')));
  await writeFile(path('chain.pem'), chain.join(''));
  return { root: path('root.pem'), chain: path('chain.pem'), key: path('server.key') };
}
