import { describe, expect, it } from 'vitest';
import { judgeMemory, judgeNode, judgeOpenFiles } from '../../src/doctor/machine.ts';

describe('the machine', () => {
  it.each([
    ['20.18.3', 'problem'],
    ['20.19.0', 'ok'],
    ['26.1.0', 'ok'],
  ])('Node %s', (version, status) => {
    expect(judgeNode(version).status).toBe(status);
  });

  it.each([
    ['Max open files            1024                 1048576              files', 'ok'],
    ['Max open files            unlimited            unlimited            files', 'ok'],
    ['Max open files            64                   64                   files', 'warning'],
    ['', undefined],
  ])('%s', (limits, status) => {
    expect(judgeOpenFiles(`Max cpu time  unlimited  unlimited  seconds\n${limits}\n`)?.status).toBe(
      status,
    );
  });

  it('little memory is a warning', () => {
    const memory = { freeBytes: 1e9, totalBytes: 8e9 };
    expect(judgeMemory(memory, 2).seen).toBe(
      '1.0 GB of 8.0 GB free; 2 processors, 2 threads to hash and 3 to unpack',
    );
    expect(judgeMemory({ ...memory, freeBytes: 1e8 }, 2).status).toBe('warning');
  });
});
