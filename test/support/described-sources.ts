import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { damageOneImage } from './damaged.ts';
import {
  MANIFEST,
  OF_DEMO,
  RELEASE,
  archive,
  editedManifest,
  fetchOf,
  ownRelease,
} from './demo-lines.ts';
import type { DescribedOutput } from './described-output.ts';
import * as raw from './raw-server.ts';
import { runCli } from './run-cli.ts';

interface World {
  readonly serve: ReturnType<typeof raw.useRawServers>;
  readonly tempDir: () => Promise<string>;
  /** A dataset directory with the whole release of the demo; no test changes it. */
  readonly wholeSet: () => string;
  readonly copyOfFetched: () => Promise<string>;
}

/** Registers the tests of what is printed about sources that fail, and about chosen images. */
export function describeSourceRuns(
  described: DescribedOutput,
  { serve, tempDir, wholeSet, copyOfFetched }: World,
): void {
  const expectDescribed = described.expect.bind(described);
  describe('real output of sources that fail is described', () => {
    const fresh = async () => join(await tempDir(), 'set');

    it('wrong bytes, then the next source; nothing at all', async () => {
      const wrong = await tempDir();
      const other = Buffer.from(archive);
      other[other.length - 30] = (other.at(-30) ?? 0) ^ 1;
      await writeFile(join(wrong, 'ChestDx-1.zip'), other);
      const one = async () => ['fetch', '--file', 'ChestDx-1', '--dest', await fresh()];
      const from = ['--manifest', MANIFEST, '--source', wrong];
      await expectDescribed(3, async () => [...(await one()), ...from]);
      await expectDescribed(0, async () => [...(await one()), ...from, '--source', RELEASE]);
      await expectDescribed(4, async () => fetchOf('viral', await fresh(), wrong));
      await expectDescribed(2, async () => fetchOf('viral', await fresh(), '/nonexistent'));
    });

    it('a broken connection, a server that asks to wait, another server for the rest', async () => {
      const broken = await serve(async (_, reply) => {
        await reply.send(raw.brokenOff(archive, Math.floor(archive.length / 2)));
        reply.end();
      });
      const busy = await serve((_, reply) =>
        reply.send(raw.answer(503, '', { 'Retry-After': 86_400 })),
      );
      const good = await serve((request, reply) =>
        reply.send(raw.sloppy(raw.honest(archive, request))),
      );
      const at = (dest: string, url: string) => [
        ...['fetch', '--file', 'ChestDx-1', '--dest', dest, '--manifest', MANIFEST],
        ...['--source', `${url}/{name}`, '--retries', '1', '--no-labels'],
      ];
      await expectDescribed(4, async () => at(await fresh(), broken.url));
      const env = { HTTP_PROXY: busy.url, NO_PROXY: '127.0.0.1' };
      await expectDescribed(4, async () => at(await fresh(), 'http://far.invalid'), { env });
      await expectDescribed(4, async () => fetchOf('all', await fresh(), `${busy.url}/{name}`));
      await expectDescribed(0, async () => {
        const dest = await fresh();
        await runCli([...at(dest, broken.url), '--retries', '0']);
        return at(dest, good.url);
      });
    });

    it('a login page, a page that can not be read', async () => {
      const login = await serve((_, reply) => reply.send(raw.html('log in')));
      const down = await serve((_, reply) => reply.send(raw.answer(500, '')));
      await expectDescribed(9, async () => fetchOf('viral', await fresh(), `${login.url}/{name}`));
      await expectDescribed(4, async () => [
        ...fetchOf('viral', await fresh(), `${down.url}/page.html`),
        ...['--retries', '1'],
      ]);
    });

    it('a number of connections that grows', async () => {
      let requests = 0;
      const slow = await serve(async ({ path, ...request }, reply) => {
        requests += 1;
        const file = await readFile(join(RELEASE, path));
        const bytes = raw.honest(file, { path, ...request });
        // The first four come slowly until there is a fifth.
        let at = 1000;
        await reply.send(bytes.subarray(0, at));
        for (; requests < 5 && !reply.isGone(); at += 1) {
          await reply.send(bytes.subarray(at, at + 1));
          await reply.wait(20);
        }
        await reply.send(bytes.subarray(at));
      });
      const argv = async (form: string) => [
        ...fetchOf('all', await fresh(), form === '--json' ? RELEASE : `${slow.url}/{name}`),
        ...['--concurrency', '8'],
      ];
      await expectDescribed(0, argv, { clock: systemClock });
    });

    it('of chosen images, counted and fetched', async () => {
      const of = (command: string, dest: string, ...choice: readonly string[]) => [
        ...[command, '--manifest', MANIFEST, '--source', RELEASE, '--dest', dest, ...choice],
      ];
      const choice = ['--label', 'COVID-19,Mass', '--normals', '1'];
      const whole = wholeSet();
      await expectDescribed(0, () => of('query', whole, ...choice, '--list'));
      await expectDescribed(2, () => of('query', join(wholeSet(), '..'), '--label', 'Masses'));
      await expectDescribed(0, () => ['split', ...OF_DEMO, whole, '--add-to-index']);
      await expectDescribed(2, () => [
        'split',
        ...OF_DEMO,
        join(wholeSet(), '..'),
        '--ratios',
        'train=0.8',
      ]);
      const parts = join(await tempDir(), 'parts.csv');
      await writeFile(parts, 'image,split\npatient1_000.jpg,train\npatient1_001.jpg,test\n');
      await expectDescribed(8, () => ['split', ...OF_DEMO, whole, '--check', parts, '--strict']);
      await expectDescribed(0, () => ['stats', ...OF_DEMO, whole]);
      await expectDescribed(5, async () => ['stats', await tempDir()]);
      const out = async () => ['-o', join(await tempDir(), 'report.html')];
      await expectDescribed(0, async () => ['report', ...OF_DEMO, whole, ...(await out())]);
      const set = await copyOfFetched();
      const to = async () => ['export', 'monai', ...OF_DEMO, set, '--to', `${await tempDir()}/out`];
      await expectDescribed(0, to);
      await damageOneImage(join(set, 'images/ChestDx-1'));
      await expectDescribed(3, to);
      await expectDescribed(0, async () => of('fetch', await fresh(), ...choice));
      await expectDescribed(0, async () => of('fetch', await fresh(), ...choice, '-n'));
    });

    it('of links', async () => {
      const loop = await serve((request, reply) => reply.send(raw.redirect(request.path)));
      const links = (...sources: readonly string[]) =>
        ['links', '--manifest', MANIFEST].concat(sources.flatMap((each) => ['--source', each]));
      await expectDescribed(0, () => links(RELEASE));
      await expectDescribed(4, () => links(`${loop.url}/page.html`));
      await expectDescribed(0, () => links(`${loop.url}/page.html`, RELEASE));
    });

    it('of doctor, of what is well and of what is not', async () => {
      const of = async (source: string) => [
        ...['doctor', '--manifest', MANIFEST, '--source', source],
        ...['--dest', join(await tempDir(), 'set')],
      ];
      await expectDescribed(0, () => of(RELEASE));
      await expectDescribed(4, () => of('http://nobody.invalid/{name}'));
    });

    it('a disputed MD5, a label file that is wrong inside', async () => {
      const doubt = {
        md5: 'a'.repeat(32),
        md5Disputed: 'published twice',
        url: 'http://x.example/',
      };
      const disputed = await editedManifest(await tempDir(), 'Viral-1.zip', doubt);
      await expectDescribed(8, async () => [
        ...['fetch', '--subset', 'viral', '--dest', await fresh(), '--strict'],
        ...['--manifest', disputed, '--source', RELEASE],
      ]);
      await expectDescribed(0, () => ['list', '--manifest', disputed, '--subset', 'viral']);
      const labels = Buffer.from('image_name,zip_file\n1,2,3\n');
      await expectDescribed(3, async () =>
        ownRelease(
          await tempDir(),
          { 'archives/ChestDx-1.zip': archive, 'labels/chest_dx.csv': labels },
          [...['fetch', '--subset', 'all', '--source', RELEASE]],
        ),
      );
    });
  });
}
