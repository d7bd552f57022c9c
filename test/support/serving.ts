import { onTestFinished } from 'vitest';
import type { RequestEvent, RunEvent, ServingEvent, WarningEvent } from '../../src/events.ts';
import { serveDataset } from '../../src/serve/serve-dataset.ts';
import type { ServeOptions, ServeResult } from '../../src/serve/types.ts';

export interface Serving {
  readonly url: string;
  readonly started: ServingEvent;
  readonly requests: readonly RequestEvent[];
  readonly warnings: readonly WarningEvent[];
  /** Ends it as Ctrl-C does. */
  stop(): Promise<ServeResult>;
}

/** Serves a directory on a free port in this process; ended after the test at the latest. */
export async function startServing(options: ServeOptions): Promise<Serving> {
  const stop = new AbortController();
  const requests: RequestEvent[] = [];
  const warnings: WarningEvent[] = [];
  let ended: Promise<ServeResult> | undefined;
  const started = await new Promise<ServingEvent>((resolve, reject) => {
    const onEvent = (event: RunEvent) => {
      if (event.event === 'serving') resolve(event);
      if (event.event === 'request') requests.push(event);
      if (event.event === 'warning') warnings.push(event);
    };
    ended = serveDataset({ port: 0, ...options, signal: stop.signal, onEvent });
    ended.catch(reject);
  });
  const end = async () => {
    stop.abort();
    if (ended === undefined) throw new Error('not started');
    return ended;
  };
  onTestFinished(async () => {
    await end();
  });
  return { url: started.url, started, requests, warnings, stop: end };
}
