import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Acceptance } from '../../src/dataset/acceptance.ts';
import { layoutOf } from '../../src/dataset/layout.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import type { RunEvent } from '../../src/events.ts';
import type { HashedFile } from '../../src/hash/hash-file.ts';
import { type Manifest, findFile } from '../../src/manifest/manifest.ts';
import { type Sample, manifestOf, md5Of, noise, toSample } from '../support/fetching.ts';
import { saying } from '../support/matchers.ts';
import { useTempDirs } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const tempDir = useTempDirs();

/** An archive with its images below a folder of this name; '': without one. */
function zip(folder: string, seed: string, member = 'patient1_000.jpg'): Buffer {
  const name = folder === '' ? member : `${folder}/${member}`;
  return buildZip([{ name, content: noise(seed, 20_000), method: 0 }]);
}

const viral = zip('Viral-1', 'viral');
const other = zip('Other-1', 'other');
const normal = zip('Normal-1', 'normal');
const PUBLISHED = md5Of(viral);
const why = { md5Disputed: 'published twice, with Other-1.zip' };

const sample = (name: string, bytes: Buffer, facts: object = {}): Sample =>
  toSample(name, bytes, { kind: 'archive', category: name.split('-')[0], ...facts });

/** As the real page has it: the MD5 of the first Viral archive stands at the first Other as well. */
const manifest = manifestOf(
  sample('Viral-1.zip', viral, why),
  sample('Other-1.zip', other, { ...why, md5: PUBLISHED }),
  sample('Normal-1.zip', normal),
);

async function setUp(of: Manifest = manifest) {
  const root = await tempDir();
  const ledger = new Ledger(join(root, 'ledger'));
  await mkdir(join(root, 'ledger'));
  const events: RunEvent[] = [];
  const moved: string[] = [];
  const onEvent = (event: RunEvent) => void events.push(event);
  const acceptance = new Acceptance({
    manifest: of,
    layout: layoutOf(root),
    ledger,
    clock: systemClock,
    onEvent,
  });
  const candidate = async (bytes: Buffer): Promise<HashedFile> => {
    const path = join(root, md5Of(bytes));
    await writeFile(path, bytes);
    return { path, bytes: bytes.length, md5: md5Of(bytes) };
  };
  return {
    ledger,
    events,
    /** @param move what gives it its final name; default: a turn of the event loop, and the name is noted */
    accept: async (name: string, bytes: Buffer, move?: () => Promise<void>) => {
      const file = findFile(of, name);
      const moveTo = async (path: string) => {
        await (move?.() ?? setImmediate());
        moved.push(basename(path));
      };
      return acceptance.accept(file, {
        ...(await candidate(bytes)),
        moveTo,
        mtimeMs: 1,
        source: 'a',
      });
    },
    moved,
    check: async (name: string, bytes: Buffer) =>
      acceptance.check(findFile(of, name), await candidate(bytes)),
    stands: async (name: string, bytes: Buffer, status: 'verified' | 'content-checked') =>
      ledger.writeReceipt({
        name,
        bytes: bytes.length,
        md5: md5Of(bytes),
        mtimeMs: 1,
        status,
        checkedAt: '2026-01-01T00:00:00.000Z',
      }),
  };
}

describe('a file whose published MD5 is not disputed', () => {
  it('passes with it', async () => {
    const { check, events } = await setUp();
    expect(await check('Normal-1', normal)).toBe('verified');
    expect(events).toEqual([]);
  });

  it('does not pass without it, however right its content is', async () => {
    const { check } = await setUp();
    const bytes = zip('Normal-1', 'another release');
    await expect(check('Normal-1', bytes)).rejects.toMatchObject({
      code: 'md5-mismatch',
      facts: { expected: `MD5 ${md5Of(normal)}`, found: `MD5 ${md5Of(bytes)}` },
    });
  });

  it('is checked by its size first', async () => {
    const { check } = await setUp();
    await expect(check('Normal-1', normal.subarray(0, 5000))).rejects.toMatchObject({
      code: 'size-mismatch',
      facts: { found: '5,000 bytes', expected: saying('about 20 KB') },
    });
  });
});

describe('a file whose published MD5 is disputed', () => {
  it('passes with it as usual', async () => {
    const { check, events } = await setUp();
    expect(await check('Viral-1', viral)).toBe('verified');
    expect(events).toEqual([]);
  });

  it('passes by its content without it, with a warning that shows its MD5', async () => {
    const { check, events } = await setUp();
    expect(await check('Other-1', other)).toBe('content-checked');
    expect(events).toEqual([
      {
        event: 'warning',
        code: 'content-checked',
        file: 'Other-1.zip',
        message: saying(md5Of(other)),
      },
    ]);
  });

  it('passes by its content without a folder inside, which names no archive', async () => {
    const { check } = await setUp();
    expect(await check('Other-1', zip('', 'other'))).toBe('content-checked');
  });

  it('does not pass when the same bytes passed for its twin, in an earlier run', async () => {
    const { check, stands } = await setUp();
    await stands('Viral-1.zip', viral, 'verified');
    await expect(check('Other-1', viral)).rejects.toMatchObject({
      code: 'md5-mismatch',
      message: saying('same bytes as Viral-1.zip'),
    });
  });

  it('does not pass when the same bytes passed for its twin, in this run', async () => {
    const { check } = await setUp();
    await check('Viral-1', viral);
    await expect(check('Other-1', viral)).rejects.toMatchObject({ code: 'md5-mismatch' });
  });

  it('of two that are checked at once with the same bytes, one passes', async () => {
    const { check } = await setUp();
    const ends = await Promise.allSettled([check('Viral-1', viral), check('Other-1', viral)]);
    // Whichever is hashed first: the rule is that never both pass.
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('does not pass when the same bytes passed for its twin by their content', async () => {
    const bytes = zip('', 'the same');
    const { check } = await setUp();
    expect(await check('Other-1', bytes)).toBe('content-checked');
    await expect(check('Viral-1', bytes)).rejects.toMatchObject({ code: 'md5-mismatch' });
  });

  it('passes when other bytes passed for its twin', async () => {
    const { check, stands } = await setUp();
    await stands('Viral-1.zip', viral, 'verified');
    expect(await check('Other-1', other)).toBe('content-checked');
  });

  it('keeps to the MD5 that it had when it passed by its content', async () => {
    const { check, stands } = await setUp();
    await stands('Other-1.zip', other, 'content-checked');
    expect(await check('Other-1', other)).toBe('content-checked');
    await expect(check('Other-1', zip('Other-1', 'changed'))).rejects.toMatchObject({
      code: 'md5-mismatch',
      message: saying('has changed'),
      facts: { expected: `MD5 ${md5Of(other)}` },
    });
  });

  it.each([
    { name: 'its folder is another archive', bytes: zip('Viral-1', 'x') },
    { name: 'its folder is another archive, in other case', bytes: zip('VIRAL-1', 'x') },
    { name: 'a member is another archive', bytes: zip('', 'x', 'Normal-1.zip') },
    { name: 'a folder inside is another archive', bytes: zip('Other-1', 'x', 'Normal-1/a.jpg') },
  ])('does not pass when $name', async ({ bytes }) => {
    const { check } = await setUp();
    await expect(check('Other-1', bytes)).rejects.toMatchObject({
      code: 'md5-mismatch',
      message: saying('names another archive'),
    });
  });

  it.each([
    { name: 'a CRC is wrong', bytes: damage(other) },
    { name: 'it is cut', bytes: other.subarray(0, 20_000) },
    { name: 'it is no zip', bytes: noise('no zip', 20_000) },
  ])('does not pass when $name', async ({ bytes }) => {
    const { check, events } = await setUp();
    await expect(check('Other-1', bytes)).rejects.toMatchObject({
      code: 'md5-mismatch',
      facts: { expected: `MD5 ${PUBLISHED}`, found: `MD5 ${md5Of(bytes)}` },
    });
    expect(events).toEqual([]);
  });

  it('does not pass when it is not safe to unpack', async () => {
    const { check } = await setUp();
    const bytes = zip('', 'x', '../../etc/passwd');
    await expect(check('Other-1', bytes)).rejects.toMatchObject({ code: 'unsafe-archive' });
  });

  it('does not pass when its size is not plausible, whatever is inside', async () => {
    const { check } = await setUp();
    const bytes = buildZip([{ name: 'a.jpg', content: noise('big', 90_000), method: 0 }]);
    await expect(check('Other-1', bytes)).rejects.toMatchObject({ code: 'size-mismatch' });
  });

  it('is a label file: there is no content to fall back on', async () => {
    const labels = toSample('a.csv', Buffer.from('image\n'), {
      kind: 'labels',
      category: 'labels',
      md5: PUBLISHED,
      ...why,
    });
    const { check } = await setUp(manifestOf(labels));
    await expect(check('a.csv', labels.bytes)).rejects.toMatchObject({ code: 'md5-mismatch' });
  });
});

/** A flipped bit in the middle of the member. */
function damage(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(9000) ^ 1, 9000);
  return damaged;
}

describe('acceptance', () => {
  it('gives a file its final name once it has passed, and records it after that', async () => {
    const { accept, ledger, moved } = await setUp();
    const receiptThen: unknown[] = [];
    const look = async () => void receiptThen.push(await ledger.readReceipt('Normal-1.zip'));
    const receipt = await accept('Normal-1', normal, look);
    expect(moved).toEqual(['Normal-1.zip']);
    expect(receiptThen).toEqual([undefined]);
    expect(receipt).toMatchObject({ md5: md5Of(normal), status: 'verified', source: 'a' });
    expect(await ledger.readReceipt('Normal-1.zip')).toEqual(receipt);
  });

  it('neither moves nor records a file that does not pass', async () => {
    const { accept, ledger, moved } = await setUp();
    await expect(accept('Normal-1', zip('Normal-1', 'another release'))).rejects.toMatchObject({
      code: 'md5-mismatch',
    });
    expect(moved).toEqual([]);
    expect(await ledger.readReceipt('Normal-1.zip')).toBeUndefined();
  });

  it('records nothing where the file can not get its name', async () => {
    const { accept, ledger } = await setUp();
    const failure = new Error('in the way');
    await expect(accept('Viral-1', viral, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await ledger.readReceipt('Viral-1.zip')).toBeUndefined();
    // Nor does it count as passed: its twin may be these bytes.
    expect(await accept('Other-1', viral)).toMatchObject({ status: 'verified' });
  });

  it('lets one of two twins in, where both come at once with the same bytes', async () => {
    const { accept, moved } = await setUp();
    const ends = await Promise.allSettled([accept('Viral-1', viral), accept('Other-1', viral)]);
    // Whichever comes first.
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(moved).toEqual([ends[0].status === 'fulfilled' ? 'Viral-1.zip' : 'Other-1.zip']);
  });
});
