import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasOpenssl, selfSigned } from '../support/certificate.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { useProgram } from '../support/program.ts';
import { type RawRequest, honest, redirect, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const { ccxri } = useProgram();
const a = sampleArchive('ChestDx-1.zip');

describe.skipIf(!hasOpenssl)('a redirect from https to http', () => {
  it.each([
    { name: 'that is not named', more: [] },
    { name: 'that is named for what --header says', more: ['--header-host', '127.0.0.1'] },
  ])('#26 to a host $name is followed without anything secret, and judged', async ({ more }) => {
    const directory = await tempDir();
    const tls = await selfSigned(directory, '-addext', 'subjectAltName=IP:127.0.0.1');
    const plain = await serve((request, reply) => reply.send(honest(a.bytes, request)));
    const secure = await serve((_, reply) => reply.send(redirect(`${plain.url}/x.zip`)), { tls });
    const manifest = join(directory, 'manifest.json');
    await writeFile(manifest, JSON.stringify(manifestOf(a)));
    const dest = join(directory, 'set');
    const source = secure.url.replace('//', '//me:hunter2@');
    const ran = await ccxri(
      [
        ...['fetch', '--subset', 'all', '--manifest', manifest, '--dest', dest, '--ndjson', '-v'],
        ...['--source', `${source}/{name}`, '--header', 'X-Api-Key: hunter2'],
        ...['--header', 'Cookie: session=hunter2', ...more],
      ],
      { NODE_EXTRA_CA_CERTS: join(directory, 'cert.pem') },
    );
    expect(ran.code, ran.stderr).toBe(0);
    expect(await readFile(join(dest, 'archives/ChestDx-1.zip'))).toEqual(a.bytes);
    const sees = ({ headers }: RawRequest) => JSON.stringify(headers).includes('hunter2');
    expect(secure.requests.map(sees)).toEqual([true]);
    expect(secure.requests[0]?.headers['authorization']).toMatch(/^Basic /);
    expect(plain.requests.map(({ headers }) => Object.keys(headers).sort())).toEqual([
      ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'],
    ]);
    expect(ran.stdout + ran.stderr).not.toContain('hunter2');
  });
});
