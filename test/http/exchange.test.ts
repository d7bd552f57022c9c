import { expect, it } from 'vitest';
import { BodyBuffer, BufferPool } from '../../src/http/exchange.ts';
import { md5Of, randomBytes } from '../support/random-bytes.ts';
import { useHttpClients } from '../support/http-clients.ts';
import { answer, head, useRawServers } from '../support/raw-server.ts';
import type { HttpClient } from '../../src/http/client.ts';

const serve = useRawServers();
const toClient = useHttpClients();
const MIB = 1024 * 1024;

/** @param rest is waited for after each batch */
async function md5From(client: HttpClient, url: string, rest?: () => Promise<void>) {
  const got = await client.get(url);
  const parts: Buffer[] = [];
  for await (const batch of got.body()) {
    parts.push(Buffer.from(batch));
    await rest?.();
  }
  return md5Of(Buffer.concat(parts));
}

it.each([1, 70_001, 3 * MIB])('what arrives in chunks of %i bytes is read in order', (bytes) => {
  const content = randomBytes(bytes === 1 ? 5000 : 2 * MIB + 1234, 'content');
  const body = new BodyBuffer(new BufferPool());
  for (let at = 0; at < content.length; at += bytes) body.add(content.subarray(at, at + bytes));
  expect(body.bytes).toBe(content.length);
  expect(body.take().equals(content)).toBe(true);
  expect(body.bytes).toBe(0);
  expect(body.take()).toHaveLength(0);
});

it('what was read is a copy that stays as it is until the next is taken', () => {
  const body = new BodyBuffer(new BufferPool());
  const chunk = Buffer.from('first');
  body.add(chunk);
  chunk.fill('x');
  const first = body.take();
  body.add(Buffer.from('other'));
  expect(String(first)).toBe('first');
  expect(String(body.take())).toBe('other');
});

it('the memory of what was read is used again', () => {
  const body = new BodyBuffer(new BufferPool());
  const used = [0, 1, 2, 3].map((byte) => {
    body.add(Buffer.alloc(100, byte));
    return body.take().buffer;
  });
  expect(new Set(used).size).toBe(2);
});

it('a slow reader gets every byte, and concurrent bodies are not mixed up', async () => {
  const bodies = [0, 1, 2, 3].map((n) => randomBytes(6 * MIB + n, `body ${n}`));
  const server = await serve(({ path }, reply) =>
    reply.send(answer(200, bodies[Number(path.slice(1))] ?? '')),
  );
  const client = toClient();
  const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
  const got = await Promise.all(bodies.map((_, n) => md5From(client, `${server.url}/${n}`, rest)));
  expect(got).toEqual(bodies.map((body) => md5Of(body)));
});

it('a reader that stops holds the server back', async () => {
  let sentBytes = 0;
  const server = await serve(async (_, reply) => {
    await reply.send(head(200, { 'Content-Length': 64 * MIB }));
    for (let n = 0; n < 64 && (await reply.send(Buffer.alloc(MIB))); n += 1) sentBytes += MIB;
  });
  const got = await toClient().get(server.url);
  for await (const batch of got.body()) {
    expect(batch).not.toHaveLength(0);
    await new Promise<void>((resolve) => setTimeout(resolve, 500));
    break;
  }
  // What waits here, and what the system buffers on both sides.
  expect(sentBytes).toBeLessThan(32 * MIB);
});

it.each([
  { name: 'byte by byte', cut: 1 },
  { name: 'in pieces', cut: 7 },
])('headers that arrive $name are what was sent', async ({ cut }) => {
  const text = head(200, { 'X-First': 'a'.repeat(40), 'X-Second': 'b'.repeat(40) });
  const sent = `${text.slice(0, -2)}Content-Length: 3\r\n\r\nabc`;
  const server = await serve(async (_, reply) => {
    for (let at = 0; at < sent.length; at += cut) {
      await reply.send(sent.slice(at, at + cut));
      await reply.wait(1);
    }
  });
  const got = await toClient().get(server.url);
  expect(got.header('x-first')).toBe('a'.repeat(40));
  expect(got.header('x-second')).toBe('b'.repeat(40));
  for await (const batch of got.body()) expect(batch.toString()).toBe('abc');
});

it('a chunked body that arrives in pieces, with a trailer, is what was sent', async () => {
  const body = randomBytes(300_000, 'chunks');
  const parts: Buffer[] = [Buffer.from(head(200, { 'Transfer-Encoding': 'chunked' }))];
  for (let at = 0; at < body.length; at += 10_007) {
    const chunk = body.subarray(at, at + 10_007);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from('0\r\nX-Trailer: yes\r\n\r\n'));
  const sent = Buffer.concat(parts);
  const server = await serve(async (_, reply) => {
    for (let at = 0; at < sent.length; at += 4999) {
      await reply.send(sent.subarray(at, at + 4999));
      await reply.wait(0);
    }
  });
  expect(await md5From(toClient(), server.url)).toBe(md5Of(body));
});

it('one connection serves many responses, large and small', async () => {
  const bodies = Array.from({ length: 20 }, (_, n) => randomBytes(n % 2 === 0 ? MIB : 5, `${n}`));
  const server = await serve(({ index }, reply) => reply.send(answer(200, bodies[index] ?? '')));
  const client = toClient();
  const got: string[] = [];
  while (got.length < bodies.length) got.push(await md5From(client, server.url));
  expect(got).toEqual(bodies.map((body) => md5Of(body)));
  // The second one is opened where a response has ended and its connection does not know it yet.
  expect(server.connections().made).toBeLessThanOrEqual(2);
});
