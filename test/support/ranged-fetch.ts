import { expect } from 'vitest';
import { type Spans, addSpan, bytesOf, gapsOf } from '../../src/download/spans.ts';
import { bigSample } from './big-sample.ts';
import { type RunSetup, destIn, manifestOf } from './fetching.ts';
import { type RawRequest, type RawScript, spanOf, useRawServers } from './raw-server.ts';
import { useTempDirs } from './temp-dirs.ts';

export const MIB = 1024 * 1024;
/** Large enough to be fetched in ranges. */
export const big = bigSample('ChestDx-1.zip', 18 * MIB + 12_345);
export const TOTAL = big.bytes.length;

/** A limit that limits nothing. With any, no connection is taken over, however slow the machine is. */
export const unhurried = { limitRateBytesPerSecond: 1e12 };

/** A server with a script, and a run that fetches `big` from it. */
export function useRangedFetch() {
  const tempDir = useTempDirs();
  const serve = useRawServers();
  return async (script: RawScript, options: Partial<RunSetup> = {}) => {
    const server = await serve(script);
    const setup: RunSetup = {
      dest: destIn(await tempDir()),
      manifest: manifestOf(big),
      sources: [`${server.url}/{name}`],
      retries: 2,
      connections: 8,
      // Far longer than a test may take: whatever hangs must be taken over.
      timeoutMs: 300_000,
      ...options,
    };
    return { server, setup };
  };
}

/** Of all requests that name the end of what they want. */
export function spansOf(server: { readonly requests: readonly RawRequest[] }): Spans {
  return server.requests.flatMap((request) => {
    const span = spanOf(request);
    return span === undefined ? [] : [span];
  });
}

/** Nothing is asked for twice, and nothing left out. */
export function expectEachOnce(spans: Spans): void {
  const union = spans.reduce<Spans>((sum, span) => addSpan(sum, span), []);
  expect(gapsOf(union, TOTAL)).toEqual([]);
  expect(bytesOf(spans)).toBe(TOTAL);
}

export const isProbe = ({ index }: RawRequest) => index === 0;
