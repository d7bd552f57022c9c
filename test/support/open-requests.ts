import type { HostLimiter } from '../../src/http/hosts.ts';

export const URL_OF_A = 'http://a.example/x.zip';

/** Requests that run until their end is called. */
export function openRequests(limiter: HostLimiter) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, url = URL_OF_A, signal?: AbortSignal) =>
    limiter.run(
      url,
      () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      },
      signal,
    );
  return { started, start, end: (name: string) => ends.get(name)?.() };
}

/** Of the event loop. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));
