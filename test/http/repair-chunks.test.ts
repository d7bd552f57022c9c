import { describe, expect, it } from 'vitest';
import { ChunkRepair } from '../../src/http/repair-chunks.ts';

/** The body in pieces of so many bytes, repaired. */
function repair(text: string, pieceBytes = text.length): string {
  const repairer = new ChunkRepair();
  const bytes = Buffer.from(text, 'latin1');
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    out.push(...repairer.repair(bytes.subarray(at, at + pieceBytes)));
  }
  return Buffer.concat(out).toString('latin1');
}

const RIGHT = '5\r\nab\ncd\r\n1\r\n\n\r\n0\r\n\r\n';

describe('#194 the lines between chunks', () => {
  it.each([
    { name: 'as they should be', text: RIGHT },
    { name: 'ended by LF alone', text: '5\nab\ncd\n1\n\n\n0\n\r\n' },
    {
      name: 'with blanks, zeros and extensions',
      text: '0005 ;a=b\r\nab\ncd\r\n1  \r\n\n\r\n00\r\n\r\n',
    },
  ])('$name', ({ text }) => {
    for (const pieceBytes of [text.length, 3, 1]) expect(repair(text, pieceBytes)).toBe(RIGHT);
  });

  it.each(['zz\r\nabc', '\r\n5\r\nab', '5\r\nabcdefgh\r\n', '-1\nabc', 'fffffffffffffffff\nabc'])(
    'are left to the parser where they are none: %j',
    (text) => expect(repair(text)).toBe(text),
  );

  it('do not fill the memory', () => {
    expect(repair('1'.repeat(100_000), 1000)).toHaveLength(100_000);
  });
});
