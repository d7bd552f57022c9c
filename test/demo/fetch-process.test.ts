import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DemoProgram, runFetchProcess } from '../../src/demo/fetch-process.ts';
import type { RunEvent } from '../../src/events.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const NEVER = new AbortController().signal;
const INDEX_WRITTEN = { event: 'index-written', path: 'index.csv', rows: 1 };

/** A program of this code, which gets `fetch` and what comes behind it as its arguments. */
async function programOf(
  code: string,
  env: DemoProgram['env'] = process.env,
): Promise<DemoProgram> {
  const directory = await tempDir();
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'program.mjs');
  await writeFile(path, code);
  return { command: [process.execPath, path], env };
}

const say = (value: unknown) => `console.log(${JSON.stringify(JSON.stringify(value))});\n`;

describe('runFetchProcess', () => {
  it('passes on the events that the process prints, and nothing else', async () => {
    const summary = say({ event: 'summary', exitCode: 0 });
    const program = await programOf(
      `${say(INDEX_WRITTEN)}${summary}console.log('{"event":"plan","fi'); console.log('null');`,
    );
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => events.push(event);
    const end = await runFetchProcess(program, { args: [], onEvent, signal: NEVER });
    expect({ end, events }).toEqual({ end: 'ended', events: [INDEX_WRITTEN] });
  });

  it('runs fetch without our variables and without proxies', async () => {
    const report = `console.log(JSON.stringify({ event: 'report', argv: process.argv.slice(2), names: Object.keys(process.env) }));`;
    const env = {
      ...process.env,
      CCXRI_JSON: '1',
      ccxri_dest: 'x',
      HTTPS_PROXY: 'x',
      no_proxy: 'x',
    };
    const program = await programOf(report, { ...env, KEPT: '1' });
    const events: unknown[] = [];
    const onEvent = (event: unknown) => events.push(event);
    await runFetchProcess(program, { args: ['--subset', 'all'], onEvent, signal: NEVER });
    expect(events).toMatchObject([{ argv: ['fetch', '--subset', 'all', '--ndjson'] }]);
    const [{ names }] = events as [{ names: readonly string[] }];
    expect(names).toContain('KEPT');
    expect(names.filter((name) => /ccxri_|_proxy/i.test(name))).toEqual(['CCXRI_NO_CONFIG']);
  });

  it('kills the process, whatever that does against it', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); process.on('SIGINT', () => {});
      setInterval(() => {}, 1000); ${say(INDEX_WRITTEN)}`;
    const program = await programOf(stubborn);
    const killing = new AbortController();
    const onEvent = () => killing.abort();
    const end = await runFetchProcess(program, { args: [], onEvent, signal: killing.signal });
    expect(end).toBe('killed');
    const before = { args: [], onEvent: () => undefined, signal: AbortSignal.abort() };
    expect(await runFetchProcess(program, before)).toBe('killed');
  });

  it('ends the process when a listener throws', async () => {
    const program = await programOf(`setInterval(() => {}, 1000); ${say(INDEX_WRITTEN)}`);
    const onEvent = () => {
      throw new Error('a bug of the listener');
    };
    const running = runFetchProcess(program, { args: [], onEvent, signal: NEVER });
    await expect(running).rejects.toThrow('a bug of the listener');
  });

  it('says where there is no process to be had', async () => {
    const program: DemoProgram = { command: [join(await tempDir(), 'nothing')], env: process.env };
    const options = { args: [], onEvent: () => undefined, signal: NEVER };
    expect(await runFetchProcess(program, options)).toBe('unavailable');
    const invalid: DemoProgram = { command: ['a\0b'], env: process.env };
    expect(await runFetchProcess(invalid, options)).toBe('unavailable');
  });
});
