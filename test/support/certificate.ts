import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('SKIPPED: openssl is not here; the tests of certificates do not run');

/** A certificate that nobody has signed but itself. @param args of `openssl req` */
export async function selfSigned(
  directory: string,
  ...args: readonly string[]
): Promise<{ readonly key: string; readonly cert: string }> {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', key, '-out', cert, '-subj', '/CN=ccxri-test', ...args],
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}
