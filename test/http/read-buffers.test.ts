import { expect, it, onTestFinished, vi } from 'vitest';
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
  for await (const batch of got.batches()) {
    parts.push(Buffer.concat(batch));
    await rest?.();
  }
  return md5Of(Buffer.concat(parts));
}

/** How many large buffers are made meanwhile. */
function countBuffers(): () => number {
  const spy = vi.spyOn(Buffer, 'allocUnsafeSlow');
  onTestFinished(() => spy.mockRestore());
  return () => spy.mock.calls.filter(([bytes]) => bytes >= MIB / 4).length;
}

it('a large body takes no more buffers than a small one', async () => {
  const body = randomBytes(32 * MIB, 'large');
  const server = await serve((_, reply) => reply.send(answer(200, body)));
  const made = countBuffers();
  expect(await md5From(toClient(), server.url)).toBe(md5Of(body));
  // One to read into, another after the headers, and what a batch or two are collected in.
  expect(made()).toBeLessThan(12);
});

it('a reader that rests now and then gets every byte, and many at once are not mixed up', async () => {
  const bodies = [0, 1, 2, 3].map((n) => randomBytes(6 * MIB + n, `body ${n}`));
  const server = await serve(({ path }, reply) =>
    reply.send(answer(200, bodies[Number(path.slice(1))] ?? '')),
  );
  const client = toClient();
  const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
  const made = countBuffers();
  const got = await Promise.all(bodies.map((_, n) => md5From(client, `${server.url}/${n}`, rest)));
  expect(got).toEqual(bodies.map((body) => md5Of(body)));
  expect(made()).toBeLessThan(40);
});

it.each([
  { name: 'byte by byte', cut: 1 },
  { name: 'in pieces', cut: 7 },
])('headers that come $name are what was sent', async ({ cut }) => {
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
  for await (const batch of got.batches()) expect(Buffer.concat(batch).toString()).toBe('abc');
});

it('a body in chunks that come in pieces, with a trailer, is what was sent', async () => {
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

it('one connection for many answers, large and small', async () => {
  const bodies = Array.from({ length: 20 }, (_, n) => randomBytes(n % 2 === 0 ? MIB : 5, `${n}`));
  const server = await serve(({ index }, reply) => reply.send(answer(200, bodies[index] ?? '')));
  const client = toClient();
  const got: string[] = [];
  while (got.length < bodies.length) got.push(await md5From(client, server.url));
  expect(got).toEqual(bodies.map((body) => md5Of(body)));
  // The second one comes where an answer has ended, and its connection does not know as yet.
  expect(server.connections().made).toBeLessThanOrEqual(2);
});
