import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { parseCsv } from '../support/csv.ts';
import { hasNginx, useNginx } from '../support/nginx.ts';
import { useProgram } from '../support/program.ts';
import { documentOf } from '../support/run-cli.ts';
import { makeRealNames } from '../support/stand-in.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const nginx = useNginx();
const { ccxri } = useProgram();

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const LABELS = 'viral_pneumonia_COVID-19.csv';
const hasData = existsSync(join(DATA, LABELS));
if (!hasData)
  console.warn(`SKIPPED: ${DATA} is not here; nothing is tested on the real label file`);

describe.skipIf(!hasData || !hasNginx)('the real label file, from nginx', () => {
  it('passes its published MD5 with the bundled manifest', async () => {
    const [root, dest] = [await tempDir(), join(await tempDir(), 'set')];
    await cp(join(DATA, LABELS), join(root, LABELS));
    const { url } = await nginx({ root });
    const run = await ccxri(['fetch', '--file', LABELS, '--source', `${url}/`, '--dest', dest]);
    expect(run.code, run.stderr).toBe(0);
    const fetched = await readFile(join(dest, 'labels', LABELS));
    expect(fetched.equals(await readFile(join(DATA, LABELS)))).toBe(true);
    const { code, stdout } = await ccxri(['verify', '--file', LABELS, '--dest', dest, '--json']);
    expect(code).toBe(0);
    expect(documentOf(stdout)).toMatchObject({ counts: { verified: 1 } });
  });

  it('is refused with one byte changed, and says both MD5s', async () => {
    const [root, dest] = [await tempDir(), join(await tempDir(), 'set')];
    const bytes = await readFile(join(DATA, LABELS));
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
    await mkdir(join(root, 'mirror'));
    await cp(join(DATA, LABELS), join(root, LABELS));
    await writeFile(join(root, 'mirror', LABELS), bytes);
    const { url } = await nginx({ root });
    const args = ['fetch', '--file', LABELS, '--dest', dest, '--source', `${url}/mirror/`];
    const bad = await ccxri(args);
    expect(bad.code, bad.stderr).toBe(3);
    expect(bad.stderr).toContain('244dac585baf283e4d95e34b4b1c6a76');
    expect(existsSync(join(dest, 'labels', LABELS))).toBe(false);
    const good = await ccxri([...args, '--source', `${url}/`]);
    expect(good.code, good.stderr).toBe(0);
  });
});

describe.skipIf(!hasData || !hasNginx)('all of CC-CXRI-P under its real names, from nginx', () => {
  it('ends in an index of 7,921 rows with the published classes', async () => {
    const [root, dest] = [await tempDir(), join(await tempDir(), 'set')];
    const { manifestPath } = await makeRealNames(root, DATA, await loadManifest());
    const server = await nginx({ root });
    const base = ['--manifest', manifestPath, '--dest', dest];
    const fetch = ['fetch', '--subset', 'cc-cxri-p', '--source', `${server.url}/`, ...base];
    const run = await ccxri([...fetch, '--json']);
    expect(run.code, run.stderr).toBe(0);
    const rows = parseCsv(await readFile(join(dest, 'index.csv'), 'utf8'));
    expect(rows).toHaveLength(7921);
    const classes = new Map<string, number>();
    for (const row of rows)
      classes.set(row['class'] ?? '', (classes.get(row['class'] ?? '') ?? 0) + 1);
    expect(Object.fromEntries(classes)).toEqual({
      Normal: 953 + 893 + 864 + 919,
      'COVID-19': 612,
      Viral: 1659,
      Other: 980 + 1041,
    });
    expect(existsSync(join(dest, 'images/Normal-4/fab922a8-736e-4cb5-a666-4fd849a3049a.txt'))).toBe(
      true,
    );
    // Again: nothing is asked of the server, and the index is the same.
    const asked = (await server.requests()).length;
    const again = await ccxri([...fetch, '--json']);
    expect(documentOf(again.stdout)).toMatchObject({ exitCode: 0, counts: { skipped: 9 } });
    const files = (await server.requests())
      .slice(asked)
      .filter(({ path }) => /\.(?:zip|csv)$/.test(path));
    expect(files).toEqual([]);
    const deep = await ccxri(['verify', '--deep', '--subset', 'cc-cxri-p', ...base]);
    expect(deep.code, deep.stderr).toBe(0);
  });
});
