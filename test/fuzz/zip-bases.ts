import { buildZip, extraField, unicodePath } from '../support/zip-builder.ts';

const GBK = Buffer.from('b2a1b2bf2e6a7067', 'hex');
const image = (n: number) => `image ${n} `.repeat(60);

/** Good archives of every form that there is: each must be taken as it is. */
export const ZIP_BASES: readonly Buffer[] = [
  buildZip([
    { name: 'T/' },
    { name: 'T/patient1_000.jpg', content: image(1) },
    { name: 'T/patient2_000.jpg', content: image(2), method: 0, mode: 0o100644 },
    { name: 'T/empty', method: 0 },
    { name: 'T/sub/', mode: 0o40755 },
    {
      name: 'T/sub/bild-ä.jpg',
      content: image(3),
      extra: extraField(0x5455, [Buffer.from('0100', 'hex')]),
    },
  ]),
  buildZip(
    [
      { name: 'a.jpg', content: image(1), descriptor: 'signed' },
      { name: 'b.jpg', content: image(2), descriptor: 'plain', zip64: true },
      { name: 'c.jpg', content: image(3), descriptor: 'zip64' },
    ],
    { zip64: true, comment: Buffer.from('a comment') },
  ),
  buildZip(
    Array.from({ length: 30 }, (_, n) => ({ name: `patient${n}_000.jpg`, content: image(n) })),
  ),
  buildZip(
    [
      { name: 'a.jpg', content: image(1), gapBefore: Buffer.alloc(9), comment: Buffer.from('one') },
      { name: 'b.jpg', content: image(2), gapBefore: Buffer.alloc(40) },
    ],
    { prefix: Buffer.from('a prefix'), trailing: Buffer.from('trailing') },
  ),
  buildZip(
    [
      { name: 'T/a.jpg', content: image(1), mode: 0o10644 },
      { name: '__MACOSX/T/._a.jpg', content: 'Finder' },
    ],
    { zip64: { data: Buffer.alloc(30) } },
  ),
  buildZip([
    { name: GBK, content: image(1) },
    { name: Buffer.from('bild-\x84.jpg', 'latin1'), content: image(2) },
    { name: 'x?.jpg'.replace('?', 'y'), content: image(3), extra: unicodePath('xy.jpg', 'xy.jpg') },
    { name: Buffer.from('\xff\x2e', 'latin1'), extra: unicodePath('ÿ.jpg', Buffer.from('ÿ')) },
  ]),
];

/** Members beyond what is unpacked in one piece: rarely, for they take their time. */
export const LARGE_BASES: readonly Buffer[] = [
  buildZip([
    { name: 'large.jpg', content: Buffer.alloc(2_300_000, 'image') },
    { name: 'a.jpg', content: image(1) },
  ]),
  buildZip([
    { name: 'stored.jpg', content: Buffer.alloc(2_200_000, 'image'), method: 0 },
    { name: 'bomb.jpg', content: Buffer.alloc(3_000_000), descriptor: 'signed' },
  ]),
];
