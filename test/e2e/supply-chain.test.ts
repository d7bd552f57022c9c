import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OLDEST_NODE } from '../../src/cli/version.ts';
import { readVersion } from '../../src/fs/package-version.ts';
import { hasOpenssl, selfSigned } from '../support/certificate.ts';
import { PROGRAM, useProgram } from '../support/program.ts';
import { answer, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const { ccxri, command } = useProgram();
const read = (path: string) => readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)));

describe('#171 a Node that is too old', () => {
  it.each([['--version'], ['list'], ['fetch', '--subset', 'all']])(
    'is told in one line, before anything else: %s',
    async (...args) => {
      const pretend =
        'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.18.0" } })';
      const older = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`];
      const run = await command(process.execPath, [...older, PROGRAM, ...args]);
      expect(run).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr).toBe(`error: ccxri needs Node ${OLDEST_NODE} or newer; this is 20.18.0\n`);
    },
  );
});

describe('#175 the manifest that ships', () => {
  it('has its digest printed, and written down where a change of it must be seen', async () => {
    const sha256 = createHash('sha256')
      .update(await read('manifests/cc-cxri.json'))
      .digest('hex');
    for (const args of [
      ['--version', '-v'],
      ['-v', '-V'],
      ['--version', '--verbose'],
    ]) {
      expect(await ccxri(args)).toMatchObject({
        code: 0,
        stdout: `${readVersion()}\nmanifests/cc-cxri.json: SHA-256 ${sha256}\n`,
      });
    }
    expect((await ccxri(['-V'])).stdout).toBe(`${readVersion()}\n`);
    expect((await read('SECURITY.md')).toString()).toContain(`\`${sha256}\``);
  });
});

describe.skipIf(!hasOpenssl)('#176 a certificate that nobody has signed', () => {
  it('is refused; with NODE_TLS_REJECT_UNAUTHORIZED=0 it passes, as ccxri warns', async () => {
    const tls = await selfSigned(await tempDir(), '-addext', 'subjectAltName=IP:127.0.0.1');
    const page = '<a href="Viral-1.zip">Viral-1.zip</a>';
    const html = answer(200, page, { 'Content-Type': 'text/html' });
    const server = await serve((_, reply) => reply.send(html), { tls });
    const args = [
      'links',
      '--file',
      'Viral-1',
      '--source',
      `${server.url}/p.html`,
      '--timeout',
      '2',
    ];
    const refused = await ccxri(args);
    expect(refused.code, refused.stderr).toBe(4);
    expect(refused.stderr).toContain('not trusted');
    expect(server.requests).toEqual([]);
    const passed = await ccxri(args, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(passed.code, passed.stderr).toBe(0);
    expect(passed.stderr).toContain('warning: NODE_TLS_REJECT_UNAUTHORIZED=0 turns');
    expect(server.requests.length).toBeGreaterThan(0);
  });
});
