import { open } from 'node:fs/promises';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CheckedWriter } from '../../src/cli/io.ts';
import { Paper } from '../support/run-cli.ts';

function failing(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
  });
}

describe('a checked writer', () => {
  it('writes all of it before it is flushed', async () => {
    const paper = new Paper();
    const writer = new CheckedWriter(paper);
    for (const part of ['a', '', 'b\n', 'c']) writer.write(part);
    expect(await writer.flush()).toBeUndefined();
    expect(paper.text).toBe('ab\nc');
  });

  it('#161 reports that a result was lost: a full disk behind stdout is code 6', async () => {
    const handle = await open('/dev/full', 'w');
    const stream = handle.createWriteStream();
    const writer = new CheckedWriter(stream);
    writer.write('a result\n');
    const error = await writer.flush();
    stream.destroy();
    expect(error?.code).toBe('disk-io');
    expect(error?.message).toContain('ENOSPC');
  });

  it.each(['EPIPE', 'ECONNRESET'])(
    '#162 is quiet about a reader that went away: %s',
    async (code) => {
      const writer = new CheckedWriter(failing(code));
      writer.write('x');
      writer.write('y');
      expect(await writer.flush()).toBeUndefined();
    },
  );

  it('reports any other failure once, and drops the rest', async () => {
    const writer = new CheckedWriter(failing('EIO'));
    writer.write('x');
    expect((await writer.flush())?.message).toContain('EIO');
    writer.write('y');
    expect((await writer.flush())?.message).toContain('EIO');
  });

  it('does not wait for a stream that was destroyed', async () => {
    const stream = new PassThrough();
    const writer = new CheckedWriter(stream);
    stream.destroy();
    writer.write('x');
    expect(await writer.flush()).toBeUndefined();
  });
});
