import { expect, it } from 'vitest';
import { useHttpClients } from '../support/http-clients.ts';
import { head, type RawReply, useRawServers } from '../support/raw-server.ts';

const serve = useRawServers();
const clients = useHttpClients();

/** What is read at once: with its last byte the connection waits for the reader. */
const BATCH_BYTES = 512 * 1024;

it.each([
  { how: 'ends', headers: { Connection: 'close' }, end: (reply: RawReply) => reply.end() },
  {
    how: 'is said to be closed, and ends',
    headers: { Connection: 'close', 'Content-Length': BATCH_BYTES },
    end: (reply: RawReply) => reply.end(),
  },
])('#1 a connection that $how while its reader is behind', async ({ headers, end }) => {
  const body = Buffer.alloc(BATCH_BYTES, 7);
  const server = await serve(async (_, reply) => {
    await reply.send(head(200, headers));
    await reply.send(body);
    end(reply);
  });
  const answer = await clients().get(server.url);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const read: Buffer[] = [];
  for await (const batch of answer.body()) read.push(Buffer.from(batch));
  expect(Buffer.concat(read).equals(body)).toBe(true);
});
