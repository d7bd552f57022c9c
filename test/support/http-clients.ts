import { afterEach } from 'vitest';
import { HttpClient, type HttpClientOptions } from '../../src/http/client.ts';
import { fastClock } from './clock.ts';

/** Clients of a test file; all are closed after each test. */
export function useHttpClients(): (options?: Partial<HttpClientOptions>) => HttpClient {
  const clients: HttpClient[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });
  return (options = {}) => {
    const client = new HttpClient({ timeoutMs: 10_000, clock: fastClock(), ...options });
    clients.push(client);
    return client;
  };
}

export async function readAll(client: HttpClient, url: string): Promise<string> {
  const answer = await client.get(url);
  const chunks: Buffer[] = [];
  for await (const batch of answer.body()) chunks.push(Buffer.from(batch));
  return Buffer.concat(chunks).toString();
}
