import { spawnSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Ledger, type MembersRecord, type Receipt } from '../../src/dataset/ledger.ts';
import { listTree, useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();

const RECEIPT: Receipt = {
  ledgerVersion: 1,
  name: 'ChestDx-1.zip',
  bytes: 573_000_000,
  md5: '0123456789abcdef0123456789abcdef',
  mtimeMs: 1_767_607_872_123.456,
  status: 'verified',
  checkedAt: '2026-01-05T10:11:12.000Z',
  source: 'http://mirror.example/a',
};
const MEMBERS: MembersRecord = {
  ledgerVersion: 2,
  archive: 'ChestDx-1.zip',
  md5: '0123456789abcdef0123456789abcdef',
  isComplete: true,
  extractedAt: '2026-01-05T10:11:12.000Z',
  members: [
    { path: 'patient1_000.jpg', bytes: 3, crc32: 0xffffffff, state: 'verified' },
    { path: '__proto__/b.jpg', bytes: 0, crc32: 0, state: 'crc-checked' },
  ],
};
const RECEIPT_FILE = 'ChestDx-1.zip.json';
const MEMBERS_FILE = 'ChestDx-1.members.json';

it('reads what it has written, over an older record, and leaves nothing beside it', async () => {
  const root = join(await tempDir(), '.ccxri', 'ledger');
  const ledger = new Ledger(root);
  await ledger.writeReceipt({ ...RECEIPT, bytes: 1 });
  await ledger.writeReceipt(RECEIPT);
  await ledger.writeMembers(MEMBERS);
  expect(await ledger.readReceipt('ChestDx-1.zip')).toEqual(RECEIPT);
  expect(await ledger.readMembers('ChestDx-1.zip')).toEqual(MEMBERS);
  expect(await listTree(root)).toEqual([MEMBERS_FILE, RECEIPT_FILE]);
});

describe('a list of members of version 1', () => {
  const OLD = {
    ledgerVersion: 1,
    archive: 'ChestDx-1.zip',
    md5: RECEIPT.md5,
    extractedAt: '2026-01-05T10:11:12.000Z',
    members: [{ path: 'patient1_000.jpg', bytes: 3, crc32: 7 }],
  };
  it.each<[string, Receipt | undefined, string]>([
    ['verified, as the receipt of that MD5 says', RECEIPT, 'verified'],
    ['content-checked, as it says', { ...RECEIPT, status: 'content-checked' }, 'content-checked'],
    ['content-checked without a receipt', undefined, 'content-checked'],
    ['content-checked beside another MD5', { ...RECEIPT, md5: 'f'.repeat(32) }, 'content-checked'],
  ])('is %s, and keeps all it holds', async (_, receipt, state) => {
    const root = await tempDir();
    await writeTree(root, { [MEMBERS_FILE]: JSON.stringify(OLD) });
    if (receipt !== undefined) await writeTree(root, { [RECEIPT_FILE]: JSON.stringify(receipt) });
    const ledger = new Ledger(root);
    const record = await ledger.readMembers('ChestDx-1.zip');
    const members = [{ path: 'patient1_000.jpg', bytes: 3, crc32: 7, state }];
    expect(record).toEqual({ ...OLD, ledgerVersion: 2, isComplete: true, members });
    if (record !== undefined) await ledger.writeMembers(record);
    expect(await ledger.readMembers('ChestDx-1.zip')).toEqual(record);
  });
});

it('keeps members that were fetched one by one', async () => {
  const ledger = new Ledger(await tempDir());
  const some: MembersRecord = { ...MEMBERS, md5: null, isComplete: false };
  await ledger.writeMembers(some);
  expect(await ledger.readMembers('ChestDx-1.zip')).toEqual(some);
});

it('knows nothing where nothing is', async () => {
  const root = await tempDir();
  await writeFile(join(root, 'file'), '');
  for (const directory of [root, join(root, 'nothing'), join(root, 'file')]) {
    const ledger = new Ledger(directory);
    expect(await ledger.readReceipt('ChestDx-1.zip')).toBeUndefined();
    expect(await ledger.readMembers('ChestDx-1.zip')).toBeUndefined();
  }
});

const text = (record: object) => JSON.stringify(record);

describe('#54 a receipt that is', () => {
  it.each<[string, string | Buffer]>([
    ['empty', ''],
    ['cut off', text(RECEIPT).slice(0, 70)],
    ['full of zeros', Buffer.alloc(300)],
    ['no JSON', 'ccxri was here'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '7'],
    ['of a later form', text({ ...RECEIPT, ledgerVersion: 2 })],
    ['of another file', text({ ...RECEIPT, name: 'ChestDx-2.zip' })],
    ['without an MD5', text({ ...RECEIPT, md5: undefined })],
    ['with an MD5 in another form', text({ ...RECEIPT, md5: 'A'.repeat(32) })],
    ['with bytes in a text', text({ ...RECEIPT, bytes: '573000000' })],
    ['with half a byte', text({ ...RECEIPT, bytes: 0.5 })],
    ['with fewer than no bytes', text({ ...RECEIPT, bytes: -1 })],
    ['with more bytes than a number holds', text(RECEIPT).replace('573000000', '1e300')],
    ['with a status nobody gave', text({ ...RECEIPT, status: 'trusted' })],
    ['with a key nobody knows', text({ ...RECEIPT, verified: true })],
    ['with a __proto__', text(RECEIPT).replace('{', '{"__proto__":{"status":"verified"},')],
    ['with its values in a __proto__', `{"__proto__":${text(RECEIPT)}}`],
    ['in another encoding', Buffer.from(text(RECEIPT), 'utf16le')],
  ])('%s is no receipt, and can be written anew', async (_, content) => {
    const root = await tempDir();
    await writeTree(root, { [RECEIPT_FILE]: content });
    const ledger = new Ledger(root);
    expect(await ledger.readReceipt('ChestDx-1.zip')).toBeUndefined();
    await ledger.writeReceipt(RECEIPT);
    expect(await ledger.readReceipt('ChestDx-1.zip')).toEqual(RECEIPT);
  });
});

describe('#54 a list of members', () => {
  const [member] = MEMBERS.members;
  it.each<[string, string]>([
    ['is cut off', text(MEMBERS).slice(0, -5)],
    ['is of another archive', text({ ...MEMBERS, archive: 'ChestDx-2.zip' })],
    ['holds no list', text({ ...MEMBERS, members: {} })],
    ['holds a CRC beyond 32 bits', text({ ...MEMBERS, members: [{ ...member, crc32: 2 ** 32 }] })],
    ['holds what is no member', text({ ...MEMBERS, members: [member, null] })],
    ['holds a member without a path', text({ ...MEMBERS, members: [{ ...member, path: 1 }] })],
    ['holds half a byte', text({ ...MEMBERS, members: [{ ...member, bytes: 0.5 }] })],
    ['holds fewer than no bytes', text({ ...MEMBERS, members: [{ ...member, bytes: -1 }] })],
    ['holds no CRC', text({ ...MEMBERS, members: [{ ...member, crc32: undefined }] })],
    ['holds no state', text({ ...MEMBERS, members: [{ ...member, state: undefined }] })],
    ['holds a state nobody gave', text({ ...MEMBERS, members: [{ ...member, state: 'good' }] })],
    ['holds a key nobody knows', text({ ...MEMBERS, members: [{ ...member, good: true }] })],
    ...['../a.jpg', 'a/../../b.jpg', '/etc/passwd', 'a//b', './a', '', 'a\\b', 'a\0b', 'a/'].map(
      (path): [string, string] => [
        `leads elsewhere: ${JSON.stringify(path)}`,
        text({ ...MEMBERS, members: [{ ...member, path }] }),
      ],
    ),
  ])('that %s is no list', async (_, content) => {
    const root = await tempDir();
    await writeTree(root, { [MEMBERS_FILE]: content });
    expect(await new Ledger(root).readMembers('ChestDx-1.zip')).toBeUndefined();
  });
});

it('#54 a record of 1 GB is not read', async () => {
  const root = await tempDir();
  await writeTree(root, { [RECEIPT_FILE]: text(RECEIPT), [MEMBERS_FILE]: text(MEMBERS) });
  // Valid JSON with a gigabyte of zeros behind it, that takes no room.
  await truncate(join(root, RECEIPT_FILE), 2 ** 30);
  await truncate(join(root, MEMBERS_FILE), 2 ** 30);
  const before = process.memoryUsage.rss();
  const ledger = new Ledger(root);
  expect(await ledger.readReceipt('ChestDx-1.zip')).toBeUndefined();
  expect(await ledger.readMembers('ChestDx-1.zip')).toBeUndefined();
  expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 28);
});

it('#56 what is no file, or leads in a circle, is no record', async () => {
  const root = await tempDir();
  await mkdir(join(root, RECEIPT_FILE));
  expect(spawnSync('mkfifo', [join(root, MEMBERS_FILE)]).status).toBe(0);
  await symlink('Other-1.zip.json', join(root, 'Other-1.zip.json'));
  const ledger = new Ledger(root);
  expect(await ledger.readReceipt('ChestDx-1.zip')).toBeUndefined();
  expect(await ledger.readMembers('ChestDx-1.zip')).toBeUndefined();
  expect(await ledger.readReceipt('Other-1.zip')).toBeUndefined();
  await expect(ledger.writeReceipt(RECEIPT)).rejects.toMatchObject({ code: 'occupied' });
});
