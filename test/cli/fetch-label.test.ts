import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeSmallRelease } from '../support/chosen-images.ts';
import { fastClock } from '../support/clock.ts';
import { useCountingServers } from '../support/counting-server.ts';
import { type CliRun, runCli } from '../support/run-cli.ts';
import { type StandIn, makeChestStandIn } from '../support/stand-in.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useCountingServers();

/** `ccxri fetch` with these words, of a small release on a server of its own. */
async function setUp(make: (directory: string) => Promise<StandIn> = makeChestStandIn) {
  const { manifestPath, directory } = await make(join(await tempDir(), 'release'));
  const server = await serve(directory);
  const dest = join(await tempDir(), 'data');
  const where = ['--dest', dest, '--manifest', manifestPath, '--source', `${server.url}/`];
  const fetch = (words: readonly string[], typed?: string): Promise<CliRun> =>
    runCli(['fetch', ...words, ...where], {
      clock: fastClock(),
      ...(typed !== undefined && { typed, columns: 100 }),
    });
  return { server, dest, fetch };
}

describe('`ccxri fetch --label`', () => {
  it('shows before it begins what it costs, and what whole archives would have been', async () => {
    const { fetch, dest } = await setUp();
    const { code, stdout } = await fetch(['--label', 'hernia', '-n']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^label +images +to fetch$/m);
    expect(stdout).toMatch(/^Hernia +\d+ +\d+ KB$/m);
    expect(stdout).toMatch(/^\d+ images of \d+ patients in \d+ archives$/m);
    expect(stdout).toMatch(/^single images: \d+ KB in \d+ requests$/m);
    expect(stdout).toMatch(/^their whole archives would be \d+ KB$/m);
    await expect(readFile(dest)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('shows no labels where no label file speaks of the images', async () => {
    const { fetch } = await setUp(makeSmallRelease);
    const { code, stdout } = await fetch(['--subset', 'normal', '--limit', '3', '-n']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3 images of 3 patients in 1 archive$/m);
    expect(stdout).not.toMatch(/^label/m);
  });

  it('fetches these images, and says that their CRC-32 alone was checked', async () => {
    const { fetch, dest } = await setUp();
    const { code, stdout } = await fetch(['--label', 'hernia', '--limit', '3']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3 of 3 images here; 3 came without their archive, each checked/m);
    expect(stdout).toMatch(/^downloaded, crc-checked +\d$/m);
    const images = (await listTree(join(dest, 'images'))).filter((path) => path.endsWith('.jpg'));
    expect(images).toHaveLength(3);
    const json = await fetch(['--label', 'hernia', '--limit', '3', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      counts: { images: 3, imagesHere: 3 },
      result: { images: { images: 3, here: 3 } },
    });
  });

  it('takes a list of images, and says which of them are nowhere: an error with --strict', async () => {
    const { fetch, dest } = await setUp();
    const list = join(await tempDir(), 'list.txt');
    await writeFile(list, 'patient99999999_000.jpg\n');
    const none = await fetch(['--images', list]);
    expect(none.code).toBe(2);
    await fetch(['--label', 'hernia', '--limit', '1']);
    const [image] = (await listTree(join(dest, 'images'))).filter((path) => path.endsWith('.jpg'));
    await writeFile(list, `${image ?? ''}\npatient99999999_000.jpg\n`);
    const some = await fetch(['--images', list]);
    expect(some.code).toBe(0);
    expect(some.stdout).toContain(
      '1 image of the list not in the selection, or without a row in its label file:\n- patient99999999_000',
    );
    expect((await fetch(['--images', list, '--strict'])).code).toBe(8);
  });

  it('asks before it downloads whole archives where parts are not served, and refuses without a yes', async () => {
    const { server, fetch } = await setUp();
    server.refuseRanges();
    const words = ['--label', 'hernia', '--limit', '1'];
    const refused = await fetch(words);
    expect(refused.code).toBe(9);
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toMatch(/whole would be \d+ KB/);
    expect(refused.stderr).toContain('--allow-whole');
    const no = await fetch(words, 'n\n');
    expect(no.code).toBe(9);
    const yes = await fetch(words, 'y\n');
    expect(yes.code).toBe(0);
  });

  it('downloads them with --allow-whole without a question, verified', async () => {
    const { server, fetch } = await setUp();
    server.refuseRanges();
    const { code, stdout } = await fetch(['--label', 'hernia', '--limit', '1', '--allow-whole']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^downloaded, verified +2$/m);
  });
});
