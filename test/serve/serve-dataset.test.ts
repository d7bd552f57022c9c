import {
  appendFile,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveLinks } from '../../src/links.ts';
import { makeDataset, md5Of, type Dataset } from '../support/dataset.ts';
import { extraResources } from '../support/resources.ts';
import { startServing } from '../support/serving.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { until } from '../support/until.ts';

const tempDir = useTempDirs();

async function setUp() {
  const set = await makeDataset(await tempDir());
  const options = { dest: set.root, manifest: set.manifest };
  return { set, options };
}

async function get(url: string, init: RequestInit = {}) {
  const answer = await fetch(url, init);
  const { status } = answer;
  return { status, body: await answer.text() };
}

async function linksOf(url: string, { manifest }: Dataset) {
  const { links } = await resolveLinks({ manifest, sources: [url] });
  return links.flatMap(({ file, location }) => (location === null ? [] : [file]));
}

const NAME = 'ChestDx-1.zip';

describe('what is served', () => {
  it('is a page with all files that have passed, and each by its name with its MD5', async () => {
    const { set, options } = await setUp();
    const serving = await startServing(options);
    const { url, started, requests } = serving;
    const all = set.manifest.files.map(({ name }) => name);
    expect(started).toMatchObject({ dest: set.root, files: all.length, of: all.length });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(started.urlsForOthers).toEqual([]);
    expect(await linksOf(url, set)).toEqual(all);
    for (const path of [NAME, `archives/${NAME}`]) {
      const answer = await fetch(url + path);
      const body = Buffer.from(await answer.arrayBuffer());
      expect(body.equals(await readFile(set.pathOf(NAME)))).toBe(true);
      expect(answer.headers.get('etag')).toBe(`"${md5Of(set, NAME)}"`);
    }
    const { size } = await stat(set.pathOf(NAME));
    expect((await get(url + NAME, { method: 'POST' })).status).toBe(405);
    const result = await serving.stop();
    expect(requests.at(1)).toMatchObject({
      ...{ client: '127.0.0.1', method: 'GET', path: `/${NAME}`, httpStatus: 200, bytes: size },
      ...{ whole: true, file: NAME, subsets: ['chestdx'] },
    });
    expect(result).toMatchObject({ requests: 4, refused: 0 });
    expect(result.bytes).toBe(requests.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it('is of a selection alone, where there is one', async () => {
    const { set, options } = await setUp();
    const { url } = await startServing({ ...options, selection: { files: [NAME] } });
    expect(await linksOf(url, set)).toEqual([NAME]);
    expect((await get(`${url}Viral-1.zip`)).status).toBe(404);
  });

  it('is nothing that has changed, was found bad, is not there or has not passed', async () => {
    const { set, options } = await setUp();
    await appendFile(set.pathOf('ChestDx-1.zip'), 'x');
    const receipt = await set.ledger.readReceipt('ChestDx-2.zip');
    if (receipt === undefined) throw new Error('no receipt');
    await set.ledger.noteFoundBad(receipt, new Date());
    await rm(set.pathOf('Normal-4.zip'));
    await rm(join(set.layout.ledger, 'Viral-1.zip.json'));
    await utimes(set.pathOf('Other-1.zip'), 1, 1);
    const { url, warnings, requests } = await startServing(options);
    const rest = ['ChestDx_PE-1.zip', 'chest_dx.csv', 'viral_pneumonia_COVID-19.csv'];
    expect((await linksOf(url, set)).sort()).toEqual(rest.sort());
    for (const name of [
      'ChestDx-1.zip',
      'ChestDx-2.zip',
      'Normal-4.zip',
      'Viral-1.zip',
      'Other-1.zip',
    ]) {
      expect((await get(url + name)).status, name).toBe(404);
    }
    expect(warnings.map(({ file }) => file).sort()).toEqual([
      'ChestDx-1.zip',
      'ChestDx-2.zip',
      'Other-1.zip',
    ]);
    expect(requests.at(1)?.why).toBe('it has changed since it passed its check');
  });

  it('is what came meanwhile, too', async () => {
    const { set, options } = await setUp();
    await rename(set.layout.ledger, `${set.layout.ledger}.away`);
    const { url, started } = await startServing(options);
    expect(started.files).toBe(0);
    expect((await get(url + NAME)).status).toBe(404);
    await rename(`${set.layout.ledger}.away`, set.layout.ledger);
    expect((await get(url + NAME)).status).toBe(200);
    expect(await linksOf(url, set)).toHaveLength(set.manifest.files.length);
  });

  it('is no link that leads out, and one that stays inside', async () => {
    const { set, options } = await setUp();
    const outside = join(set.root, '../outside.zip');
    await rename(set.pathOf(NAME), outside);
    await symlink(outside, set.pathOf(NAME));
    await mkdir(join(set.root, 'store'));
    await rename(set.pathOf('Viral-1.zip'), join(set.root, 'store/v.zip'));
    await symlink('../store/v.zip', set.pathOf('Viral-1.zip'));
    const { url, warnings } = await startServing(options);
    expect((await get(url + NAME)).status).toBe(404);
    expect((await get(`${url}Viral-1.zip`)).status).toBe(200);
    expect(warnings.map(({ message }) => message)).toEqual([
      `${NAME} is not served: it is a link that leads out of the dataset directory`,
    ]);
  });

  it('writes nothing, and takes no lock', async () => {
    const { set, options } = await setUp();
    await writeFile(set.layout.lock, 'somebody');
    const { url } = await startServing(options);
    expect((await get(url + NAME)).status).toBe(200);
    expect(await readFile(set.layout.lock, 'utf8')).toBe('somebody');
  });
});

describe('how it is served', () => {
  /** An archive longer than what the system holds for a client that does not read. */
  async function long() {
    const { set, options } = await setUp();
    const path = set.pathOf(NAME);
    await writeFile(path, Buffer.alloc(40e6, 'a'));
    const receipt = await set.ledger.readReceipt(NAME);
    if (receipt === undefined) throw new Error('no receipt');
    // Long ago: what is written in the tests is later by more than copies may differ.
    await utimes(path, 1e9, 1e9);
    const { mtimeMs } = await stat(path);
    await set.ledger.writeReceipt({ ...receipt, bytes: 40e6, mtimeMs });
    return { set, options, path };
  }

  async function begin(url: string): Promise<IncomingMessage> {
    const request = httpGet(url + NAME, { agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    return response;
  }

  async function receive(response: IncomingMessage): Promise<Buffer> {
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    await new Promise((resolve) => response.once('close', resolve));
    return Buffer.concat(pieces);
  }

  it('ends the connection when the file is written to meanwhile: no answer has bytes of both', async () => {
    const { options, path } = await long();
    const { url, requests, warnings } = await startServing(options);
    const response = await begin(url);
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(40e6, 'b'), 0, 40e6, 0);
    await file.close();
    const body = await receive(response);
    expect(body.length).toBeLessThan(40e6);
    expect(body.includes('b')).toBe(false);
    await until(() => requests.length === 1);
    expect(requests[0]).toMatchObject({
      httpStatus: 200,
      whole: false,
      why: 'it changed while it was being sent',
    });
    expect(warnings).toHaveLength(1);
    expect((await get(url + NAME)).status).toBe(404);
  });

  it('ends the connection when another file takes its name', async () => {
    const { options, path } = await long();
    const { url, requests } = await startServing(options);
    const response = await begin(url);
    await writeFile(`${path}.new`, Buffer.alloc(40e6, 'b'));
    await rename(`${path}.new`, path);
    const body = await receive(response);
    expect(body.length).toBeLessThan(40e6);
    expect(body.includes('b')).toBe(false);
    await until(() => requests.length === 1);
    expect(requests[0]).toMatchObject({ whole: false });
  });

  it('sends away what is above the limit, and serves it later', async () => {
    const { options } = await long();
    const serving = await startServing({ ...options, maxConnections: 2 });
    const { url, requests } = serving;
    const [one, two] = [await begin(url), await begin(url)];
    const third = await fetch(url, { headers: { connection: 'close' } });
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1']);
    await third.text();
    one.destroy();
    await until(() => requests.some(({ whole }) => !whole));
    expect((await get(url)).status).toBe(200);
    two.destroy();
    expect(await serving.stop()).toMatchObject({ requests: 4, refused: 1 });
  });

  it('ends what waits behind another answer with its connection', async () => {
    const { options } = await long();
    const serving = await startServing({ ...options, maxConnections: 3 });
    const { url, requests } = serving;
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    // Both an answer that would be ready at once and one that is read from the disk.
    socket.write(
      [NAME, 'none', NAME]
        .map((path) => `GET /${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        .join(''),
    );
    await once(socket, 'data');
    socket.destroy();
    await until(() => requests.length === 3);
    expect(requests.map(({ whole }) => whole)).toEqual([false, false, false]);
    expect((await get(url)).status).toBe(200);
    expect(await serving.stop()).toMatchObject({ requests: 4, refused: 0 });
  });

  it('leaves no socket, file or timer when it is stopped in the middle of an answer', async () => {
    const { options } = await long();
    const before = process.getActiveResourcesInfo();
    const serving = await startServing(options);
    const { url, requests } = serving;
    const response = await begin(url);
    const result = await serving.stop();
    expect(requests).toMatchObject([{ whole: false, file: NAME }]);
    expect(result.requests).toBe(1);
    response.destroy();
    await until(() => extraResources(before).length === 0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('takes no head that does not come, and no connection that stands still', async () => {
    const { options } = await long();
    const { url, requests } = await startServing({
      ...options,
      headTimeoutMs: 200,
      idleTimeoutMs: 1500,
    });
    const slow = connect(Number(new URL(url).port), '127.0.0.1');
    slow.write('GET / HTTP/1.1\r\nHost: loc');
    let said = '';
    slow.on('data', (piece) => (said += piece.toString()));
    await once(slow, 'close');
    expect(said).toContain(' 408 ');
    // It does not read.
    await begin(url);
    await until(() => requests.length === 2);
    expect(requests).toMatchObject([
      { httpStatus: 408, method: '-' },
      { httpStatus: 200, whole: false },
    ]);
  });
});
