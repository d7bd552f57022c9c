import { describe, expect, it } from 'vitest';
import { HostMemory } from '../../src/download/host-memory.ts';
import { CcxriError } from '../../src/errors.ts';

const status = (code: number) => new CcxriError('http-status', '', { status: code });

describe('what a host did to one file', () => {
  it('#183 is what the next files ask for; and after some of them it is tried again', () => {
    const memory = new HostMemory();
    expect(memory.askingOf('http://a/1')).toBe('segment');
    memory.onServed('http://a/1', 'whole');
    expect(memory.askingOf('http://b/1')).toBe('segment');
    const asked = Array.from({ length: 10 }, (_, n) => memory.askingOf(`http://a/${n}`));
    expect(asked).toEqual([...Array<string>(8).fill('whole'), 'segment', 'segment']);
    memory.onServed('http://a/9', 'rest');
    expect(memory.askingOf('http://a/10')).toBe('rest');
  });

  it('#188 is known for a failure that was met with every attempt, until it is over', () => {
    const memory = new HostMemory();
    const gone = new CcxriError('file-not-at-source', '', { status: 404 });
    const page = new CcxriError('not-the-file', '');
    const failures = [status(403), status(429), status(503), gone, page];
    for (const failure of failures) memory.onGivenUp('http://a/1', failure);
    expect(failures.map((failure) => memory.isPersistent('http://a/2', failure))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(memory.isPersistent('http://b/2', status(403))).toBe(false);
    expect(memory.isPersistent('http://a/2', status(423))).toBe(false);
    memory.onOver('http://a/3', status(403));
    expect(memory.isPersistent('http://a/2', status(403))).toBe(false);
    expect(memory.isPersistent('http://a/2', gone)).toBe(true);
  });
});
