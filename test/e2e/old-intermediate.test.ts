import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chainWithOldIntermediate, hasOpenssl } from '../support/certificate.ts';
import { freePort } from '../support/daemon.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';
import { hasNginx, useNginx } from '../support/nginx.ts';
import { useProgram } from '../support/program.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const { ccxri } = useProgram();
const a = sampleArchive('ChestDx-1.zip');

describe.skipIf(!hasOpenssl || !hasNginx)('#29 nginx with an old intermediate', () => {
  it.each([
    { trust: 'whose root is trusted: the file comes', isTrusted: true, code: 0 },
    { trust: 'whose root is not: code 4, which names the variable', isTrusted: false, code: 4 },
  ])('$trust', async ({ isTrusted, code }) => {
    const directory = await tempDir();
    const { root, chain, key } = await chainWithOldIntermediate(directory);
    await writeTree(join(directory, 'mirror'), { [a.name]: a.bytes });
    const port = await freePort();
    await nginx({
      root: join(directory, 'mirror'),
      extra: `listen 127.0.0.1:${port} ssl; ssl_certificate ${chain}; ssl_certificate_key ${key};`,
    });
    const manifest = join(directory, 'manifest.json');
    await writeFile(manifest, JSON.stringify(manifestOf(a)));
    const dest = join(directory, 'set');
    const ran = await ccxri(
      [
        ...['fetch', '--subset', 'all', '--manifest', manifest, '--dest', dest, '--retries', '0'],
        ...['--source', `https://127.0.0.1:${port}/{name}`],
      ],
      isTrusted ? { NODE_EXTRA_CA_CERTS: root } : {},
    );
    expect(ran.code, ran.stderr).toBe(code);
    if (isTrusted) expect(await readFile(join(dest, 'archives', a.name))).toEqual(a.bytes);
    else expect(ran.stderr).toContain('NODE_EXTRA_CA_CERTS');
  });
});
