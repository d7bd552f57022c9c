import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HeadRepair, repairHead } from '../../src/http/repair-head.ts';

describe('#194 the head of a response', () => {
  it.each([
    { name: 'as it should be', given: 'A: b\r\nC: d', repaired: 'A: b\r\nC: d' },
    { name: 'with line feeds alone', given: 'A: b\nC: d', repaired: 'A: b\r\nC: d' },
    { name: 'with both', given: 'A: b\nC: d\r\nE:f', repaired: 'A: b\r\nC: d\r\nE: f' },
    { name: 'with a blank before the colon', given: 'A : b', repaired: 'A: b' },
    { name: 'with a line continued', given: 'A: b\r\n\t c\r\nD: e', repaired: 'A: b c\r\nD: e' },
    { name: 'with lines that are no fields', given: 'junk\r\nX Y: 1\r\nA: b', repaired: 'A: b' },
    {
      name: 'with a length twice',
      given: 'content-length: 3\r\nA: b\r\nContent-Length: 3',
      repaired: 'A: b\r\nContent-Length: 3',
    },
    {
      name: 'with a list of one length',
      given: 'Content-Length: 3, 3',
      repaired: 'Content-Length: 3',
    },
    {
      name: 'with a length beside chunks',
      given: 'Content-Length: 3\r\nTransfer-Encoding: chunked',
      repaired: 'Transfer-Encoding: chunked',
    },
    {
      name: 'with a coding that is none',
      given: 'Content-Length: 3\r\nTransfer-Encoding: identity',
      repaired: 'Content-Length: 3',
    },
    // Left for the parser to refuse.
    {
      name: 'with two lengths',
      given: 'Content-Length: 3\r\nContent-Length: 4',
      repaired: 'Content-Length: 3\r\nContent-Length: 4',
    },
    { name: 'with a list of two', given: 'Content-Length: 3,4', repaired: 'Content-Length: 3,4' },
    {
      name: 'with a length that is none',
      given: 'Content-Length: -3',
      repaired: 'Content-Length: -3',
    },
  ])('$name', ({ given, repaired }) => {
    const status = 'HTTP/1.1 200 OK';
    expect(repairHead(`${status}\r\n${given}`)).toBe(`${status}\r\n${repaired}`);
  });
});

describe('a connection', () => {
  const body = Buffer.from([0, 10, 10, 13, 10, 255, 10, 10]);

  const repairedFrom = async (sent: Buffer, cut: number) => {
    const pieces = Array.from({ length: Math.ceil(sent.length / cut) }, (_, n) =>
      sent.subarray(n * cut, (n + 1) * cut),
    );
    const parts: Buffer[] = [];
    for await (const part of Readable.from(pieces).pipe(new HeadRepair()))
      parts.push(part as Buffer);
    return Buffer.concat(parts).toString('latin1');
  };

  it.each([1, 7, 1000])('is repaired in its heads alone, in pieces of %s', async (cut) => {
    const sent = 'HTTP/1.1 102 Processing\nA: b\n\nHTTP/1.1 200 OK\nLocation: \u00e5\n\n';
    const text =
      'HTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nLocation: \u00e5\r\n\r\n';
    const all = Buffer.concat([Buffer.from(sent, 'latin1'), body]);
    expect(await repairedFrom(all, cut)).toBe(text + body.toString('latin1'));
  });

  it.each([
    { name: 'that ends within the head', sent: 'HTTP/1.1 200 OK\r\nA: b' },
    { name: 'that says nothing', sent: '' },
    { name: 'whose head does not end', sent: `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(100_000)}` },
  ])('$name is passed on as it is', async ({ sent }) => {
    expect(await repairedFrom(Buffer.from(sent), 50_000)).toBe(sent);
  });
});
