import { describe, expect, it } from 'vitest';
import { destIn, manifestOf, run, sampleArchive } from '../support/fetching.ts';
import { answer, html, useRawServers } from '../support/raw-server.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const manifest = manifestOf(sampleArchive('ChestDx-1.zip'));

async function fetchFrom(script: () => Uint8Array | string) {
  const server = await serve((_, reply) => reply.send(script()));
  const sources = [`${server.url}/{name}`];
  const ran = await run({ dest: destIn(await tempDir()), manifest, sources });
  return { ran, server };
}

describe('#191 a wall', () => {
  const script = '<html><script>document.cookie="a=1";location.reload()</script></html>';
  it.each([
    {
      name: 'a script, with 200',
      bytes: html(script),
      code: 'not-the-file',
      exit: 9,
      says: /script that has to run first/,
    },
    {
      name: 'a script, with 403',
      bytes: answer(403, script),
      code: 'http-status',
      exit: 4,
      says: /script that has to run first/,
    },
    {
      name: '202 with a challenge',
      bytes: answer(202, '', { 'x-amzn-waf-action': 'challenge' }),
      code: 'http-status',
      exit: 4,
      says: /AWS WAF/,
    },
    {
      name: '511',
      bytes: answer(511, 'log in'),
      code: 'http-status',
      exit: 4,
      says: /captive portal/,
    },
  ])('of $name is named, and asked once', async ({ bytes, code, exit, says }) => {
    const { ran, server } = await fetchFrom(() => bytes);
    expect(ran.outcomes).toEqual([code]);
    expect(ran.exit).toBe(exit);
    expect(server.requests).toHaveLength(1);
    const [error] = (ran.result?.outcomes ?? []).map((outcome) => outcome.error);
    expect(error?.message).toMatch(says);
    expect(JSON.stringify(error?.next)).toContain('browser');
  });

  it.each([403, 445, 468])(
    'of status %i is asked a few times, and told how to pass',
    async (status) => {
      const { ran, server } = await fetchFrom(() => answer(status, 'no'));
      expect(server.requests).toHaveLength(4);
      const [error] = (ran.result?.outcomes ?? []).map((outcome) => outcome.error);
      expect(error?.next).toMatchObject([{ option: 'header', value: 'User-Agent: …' }]);
    },
  );
});
