import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { Ledger } from '../../src/dataset/ledger.ts';
import {
  durableSpansOf,
  leastLengthOf,
  parsePartState,
  usableBytesOf,
} from '../../src/download/part-state.ts';
import { PartStore } from '../../src/download/part-store.ts';
import { errnoOf } from '../../src/errors.ts';
import { parseLock } from '../../src/fs/lock-file.ts';
import { acquireLock } from '../../src/fs/lock.ts';
import type { ProcessIdentity } from '../../src/fs/process-identity.ts';
import { readKeptLinks } from '../../src/sources/kept-links.ts';
import { buildJson, editedJson } from './edit-json.ts';
import { type Fuzz, toFuzz } from './harness.ts';
import type { Sandbox } from './sandbox.ts';

const NAME = 'ChestDx-1.zip';
const MD5 = '0123456789abcdef0123456789abcdef';
const WHEN = '2026-01-02T03:04:05.000Z';

const OWN = { pid: process.pid, host: hostname(), startToken: null };
const DEAD = { pid: 2 ** 22 - 1, host: hostname(), startToken: null };
const ELSEWHERE = { pid: 7, host: 'another.test', startToken: 'boot:1:2' };

/** Every piece of state that lies under `.ccxri/`, as an earlier run may have left it, mangled. */
export function stateTargets(sandbox: Sandbox): readonly Fuzz[] {
  return [
    partStateTarget,
    partTarget(sandbox),
    lockFileTarget,
    lockTarget(sandbox),
    ...ledgerTargets(sandbox),
    linksTarget(sandbox),
  ];
}

const PART = 'ChestDx-1.zip.0123456789ab.part';
/** No two bytes near each other are alike. */
const BYTES = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
const part = {
  name: NAME,
  md5: MD5,
  owner: null as ProcessIdentity | null,
  url: 'https://h.test/ChestDx-1.zip?sig=x',
  validator: '"abc"',
  totalBytes: 4000,
  durableBytes: 2000,
};
const PARTS = [
  { partVersion: 1, ...part },
  { partVersion: 1, ...part, owner: DEAD, durableBytes: 3000, totalBytes: null },
  { partVersion: 2, ...part, islands: [[2400, 2900]] },
  { partVersion: 2, ...part, owner: ELSEWHERE, durableBytes: 0, islands: [[1, 3000]] },
  { partVersion: 2, ...part, owner: OWN, islands: [] },
];
const PART_KEYS = ['partVersion', 'durableBytes', 'totalBytes', 'owner', 'pid', 'islands'];

const partStateTarget = toFuzz({
  parser: 'state of a part',
  inputs: editedJson(PARTS, PART_KEYS),
  build: (input) => buildJson(PARTS, input),
  codes: [],
  parse: (text: string) => {
    const state = parsePartState(text);
    if (state === undefined || state === 'newer') return false;
    assert.deepEqual(parsePartState(JSON.stringify(state)), state);
    const spans = durableSpansOf(state);
    for (const [n, [from, to]] of spans.entries()) {
      assert(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && to > from);
      assert(from > (spans[n - 1]?.[1] ?? -1), 'spans that touch or overlap');
    }
    assert(usableBytesOf(state) <= leastLengthOf(state));
    return true;
  },
});

/**
 * A partial download: whatever its state says, none but the bytes that lay there are gone on with,
 * in their place, and nothing but ccxri's own files is touched.
 */
function partTarget(sandbox: Sandbox): Fuzz {
  const directory = sandbox.inside;
  return toFuzz({
    parser: 'partial download',
    inputs: editedJson(PARTS, PART_KEYS),
    build: (input) => buildJson(PARTS, input),
    codes: [],
    parse: async (text: string) => {
      sandbox.clear();
      writeFileSync(join(directory, PART), BYTES);
      writeFileSync(join(directory, PART.replace('.part', '.json')), text);
      writeFileSync(join(directory, 'ChestDx-1.zip.notes'), 'somebody else');
      const store = new PartStore(directory);
      const bytesHere = await store.bytesHere({ name: NAME, md5: MD5 });
      assert(Number.isSafeInteger(bytesHere) && bytesHere >= 0);
      const opened = await store.open({ name: NAME, md5: MD5 });
      const lies = readFileSync(opened.path);
      const { bytes } = opened;
      await opened.close();
      assert(bytes <= lies.length && lies.length <= BYTES.length, `${bytes} of ${lies.length}`);
      assert(lies.equals(BYTES.subarray(0, lies.length)), 'other bytes than lay there');
      if (lies.length > 0) assertFits(JSON.parse(text), bytes);
      const notes = readFileSync(join(directory, 'ChestDx-1.zip.notes'), 'utf8');
      assert.equal(notes, 'somebody else');
      sandbox.assertKept();
      return lies.length > 0;
    },
  });
}

/** Only of the same file and release, and no more than the state vouches for. */
function assertFits(state: unknown, bytes: number): void {
  const { name, md5, durableBytes } = state as typeof part;
  assert.deepEqual([name, md5], [NAME, MD5]);
  assert.equal(bytes, durableBytes);
}

const lock = { lockVersion: 1, holder: OWN, token: 'abcdef', since: WHEN };
const LOCKS = [
  { ...lock, holder: DEAD },
  { ...lock, holder: DEAD },
  { ...lock, holder: ELSEWHERE },
  lock,
];

const LOCK_KEYS = ['lockVersion', 'holder', 'pid', 'host', 'startToken', 'since'];

const lockFileTarget = toFuzz({
  parser: 'lock file',
  inputs: editedJson(LOCKS, LOCK_KEYS),
  build: (input) => buildJson(LOCKS, input),
  codes: [],
  parse: (text: string) => {
    const record = parseLock(text);
    if (record === undefined) return false;
    assert(Number.isSafeInteger(record.holder.pid) && record.holder.pid > 0);
    assert.deepEqual(JSON.parse(text), record);
    return true;
  },
});

/** A lock is taken over only of a holder that is dead for certain. */
function lockTarget(sandbox: Sandbox): Fuzz {
  return toFuzz({
    parser: 'taking over a lock',
    inputs: editedJson(LOCKS, LOCK_KEYS),
    build: (input) => buildJson(LOCKS, input),
    codes: ['locked'],
    parse: async (text: string) => {
      sandbox.clear();
      const path = join(sandbox.inside, 'lock');
      writeFileSync(path, text);
      const release = await acquireLock({ path, wait: false, clock: systemClock });
      const holder = parseLock(text)?.holder;
      assert(holder?.host === hostname(), 'taken from another host');
      assert(holder.startToken !== null || !isRunning(holder.pid), 'taken from the living');
      assert.equal(parseLock(readFileSync(path, 'utf8'))?.holder.pid, process.pid);
      await release();
      assert.deepEqual(readdirSync(sandbox.inside), []);
      sandbox.assertKept();
      return true;
    },
  });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: as another user.
    return errnoOf(error) !== 'ESRCH';
  }
}

const RECEIPT = {
  ledgerVersion: 1,
  name: NAME,
  bytes: 600_000_000,
  md5: MD5,
  mtimeMs: 1_600_000_000_000.5,
  status: 'verified',
  checkedAt: WHEN,
  source: 'https://h.test/',
};
const OLD_MEMBERS = {
  ledgerVersion: 1,
  archive: NAME,
  md5: MD5,
  extractedAt: WHEN,
  members: [
    { path: 'patient1_000.jpg', bytes: 300_000, crc32: 0xffffffff },
    { path: 'sub/patient2_000.jpg', bytes: 0, crc32: 0 },
  ],
};
const MEMBERS = {
  ...OLD_MEMBERS,
  ledgerVersion: 2,
  isComplete: true,
  members: OLD_MEMBERS.members.map((member) => ({ ...member, state: 'verified' })),
};

/** The ledger: a record that can't be right is none. */
function ledgerTargets(sandbox: Sandbox): readonly Fuzz[] {
  const ledger = new Ledger(sandbox.inside);
  const write = (name: string, text: string) => {
    sandbox.clear();
    writeFileSync(join(sandbox.inside, name), text);
  };
  const receipts = [RECEIPT, { ...RECEIPT, status: 'content-checked', mtimeMs: 0 }];
  const records = [MEMBERS, OLD_MEMBERS];
  return [
    toFuzz({
      parser: 'ledger, receipt',
      inputs: editedJson(receipts, Object.keys(RECEIPT)),
      build: (input) => buildJson(receipts, input),
      codes: [],
      parse: async (text: string) => {
        write(`${NAME}.json`, text);
        const receipt = await ledger.readReceipt(NAME);
        if (receipt === undefined) return false;
        assert.equal(receipt.name, NAME);
        assert.match(receipt.md5, /^[0-9a-f]{32}$/);
        assert(Number.isSafeInteger(receipt.bytes) && Number.isFinite(receipt.mtimeMs));
        assert.deepEqual(JSON.parse(text), receipt);
        return true;
      },
    }),
    toFuzz({
      parser: 'ledger, members',
      inputs: editedJson(records, ['members', 'path', 'crc32', 'archive', 'state']),
      build: (input) => buildJson(records, input),
      codes: [],
      parse: async (text: string) => {
        write('ChestDx-1.members.json', text);
        const record = await ledger.readMembers(NAME);
        if (record === undefined) return false;
        assert.equal(record.archive, NAME);
        const root = resolve('/data/images/ChestDx-1');
        for (const { path, bytes, crc32 } of record.members) {
          assert(resolve(root, path).startsWith(root + sep), path);
          assert(Number.isSafeInteger(bytes) && bytes >= 0 && crc32 >= 0 && crc32 < 2 ** 32);
        }
        const given = JSON.parse(text) as { ledgerVersion: number };
        if (given.ledgerVersion === 2) assert.deepEqual(given, record);
        return true;
      },
    }),
  ];
}

const PAGE = 'https://h.test/data/';
const LINKS = [
  {
    linksVersion: 1,
    pages: [
      {
        page: PAGE,
        readAt: WHEN,
        files: [{ name: NAME, md5: MD5, url: 'https://h.test/d?id=1' }],
      },
      { page: 'http://other.test/', readAt: WHEN, files: [] },
    ],
  },
];

function linksTarget(sandbox: Sandbox): Fuzz {
  return toFuzz({
    parser: 'kept links',
    inputs: editedJson(LINKS, ['pages', 'page', 'readAt', 'files', 'md5']),
    build: (input) => buildJson(LINKS, input),
    codes: [],
    parse: async (text: string) => {
      sandbox.clear();
      const path = join(sandbox.inside, 'links.json');
      writeFileSync(path, text);
      const kept = await readKeptLinks(path, PAGE);
      assert.equal(statSync(path).size, Buffer.byteLength(text));
      if (kept === undefined) return false;
      assert.equal(kept.page, PAGE);
      for (const { url } of kept.files) assert(/^https?:$/.test(new URL(url).protocol), url);
      return true;
    },
  });
}
