import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBufferPromise, type Entry } from 'yauzl';
import type { ZipDirectory } from '../../src/zip/directory.ts';
import { zlibAnswer } from '../support/zlib-answer.ts';

/** Size and CRC-32 of every file, sorted: what an archive holds, whoever reads it. */
type Content = readonly string[];

/** Once each: of a member that is there twice with the same bytes, ccxri keeps one. */
function contentOf({ members, skipped }: ZipDirectory): Content {
  return distinct([...members, ...skipped].map(({ size, crc32 }) => `${size} ${crc32}`));
}

function distinct(content: readonly string[]): Content {
  return [...new Set(content)].sort();
}

/**
 * yauzl by itself, which finds its own way to the directory: where it reads the archive at all, it
 * must read the same (reading it in two ways is how something gets past a scanner); and what stands
 * in front of each member must be told alike, in a place of its own, and be used to the last byte.
 */
export async function assertSameInYauzl(bytes: Buffer, directory: ZipDirectory): Promise<void> {
  const entries = await listByYauzl(bytes);
  if (entries === undefined) return;
  const files = entries.filter(({ fileNameRaw }) => fileNameRaw.at(-1) !== 0x2f);
  const found = files.map(({ uncompressedSize, crc32 }) => `${uncompressedSize} ${crc32}`);
  assert.deepEqual(distinct(found), contentOf(directory), 'yauzl reads another archive');
  assertNoneLost(files, directory);
  for (const { externalFileAttributes } of entries) {
    // inode(7): links and devices; a pipe or a socket is what a file that was piped in is marked as.
    const type = externalFileAttributes >>> 28;
    assert(![0xa, 0x2, 0x6].includes(type), 'a link or a device');
  }
  let end = 0;
  const byPlace = [...entries].sort(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  );
  const used = new Set(directory.members.map(({ size, crc32 }) => `${size} ${crc32}`));
  for (const [place, entry] of byPlace.entries()) {
    const at = entry.relativeOffsetOfLocalHeader;
    // An entry that is there twice.
    if (byPlace[place - 1]?.relativeOffsetOfLocalHeader === at) continue;
    assert(at >= end, 'two members share bytes');
    const nameEnd = at + 30 + bytes.readUInt16LE(at + 26);
    assert(bytes.subarray(at + 30, nameEnd).equals(entry.fileNameRaw), 'two names of one member');
    assert.equal(bytes.readUInt16LE(at + 8), entry.compressionMethod, 'two methods of one member');
    const start = nameEnd + bytes.readUInt16LE(at + 28);
    end = start + entry.compressedSize;
    const isUsed = used.has(`${entry.uncompressedSize} ${entry.crc32}`);
    if (files.includes(entry) && isUsed && entry.compressionMethod === 8) {
      assertAllUsed(bytes.subarray(start, end));
    }
  }
}

/** Each path once is a member, or left out. A second name of an entry would make another path. */
function assertNoneLost(files: readonly Entry[], { members, skipped }: ZipDirectory): void {
  if (files.some(({ extraFields }) => extraFields.some(({ id }) => id === 0x7075))) return;
  const paths = files.map(({ fileNameRaw }) => {
    const path = fileNameRaw.toString('latin1').replaceAll('\\', '/');
    const parts = path.split('/').map((part) => part.replace(/^\xef\xbb\xbf/, ''));
    return parts.filter((part) => part !== '' && part !== '.').join('/');
  });
  assert.equal(new Set(paths).size, members.length + skipped.length, 'a member is lost');
}

async function listByYauzl(bytes: Buffer): Promise<readonly Entry[] | undefined> {
  try {
    const entries: Entry[] = [];
    const zip = await fromBufferPromise(bytes, { decodeStrings: false });
    for await (const entry of zip.eachEntry()) entries.push(entry);
    return entries;
  } catch {
    return undefined;
  }
}

function assertAllUsed(packed: Buffer): void {
  const found = zlibAnswer(packed, 1024 ** 3);
  assert.equal(found?.usedBytes, packed.length, 'bytes that nobody sees');
}

interface Sample {
  /** Its number in the run. */
  readonly input: number;
  readonly path: string;
  readonly expected: Content;
}

/** Most samples of a run. */
const MOST = 500;

/** unzip and Python's zipfile on a sample of what ccxri has taken: where they read it, they agree. */
export class ToolCheck {
  readonly #every: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'ccxri-fuzz-peers-'));
  readonly #samples: Sample[] = [];
  #taken = 0;

  constructor(every: number) {
    this.#every = every;
  }

  sample(bytes: Buffer, directory: ZipDirectory, input: number): void {
    this.#taken += 1;
    if (this.#taken % this.#every !== 0 || this.#samples.length >= MOST) return;
    const path = join(this.#directory, `${this.#samples.length}.zip`);
    writeFileSync(path, bytes);
    this.#samples.push({ input, path, expected: contentOf(directory) });
  }

  finish(): void {
    for (const [tool, read] of Object.entries({ unzip: readByUnzip, python3: readByPython })) {
      const answers = read(this.#samples.map(({ path }) => path));
      if (answers === undefined) {
        console.warn(`skipped: this machine has no ${tool}`);
        continue;
      }
      const agreed = this.#samples.filter(({ input, path, expected }, i) => {
        const found = answers[i];
        if (found === undefined) return false;
        const differs = `${tool} reads another archive in ${path} (CCXRI_PATH=${input})`;
        assert.deepEqual(distinct(found), expected, differs);
        return true;
      });
      // They refuse some oddities that ccxri takes with a warning; most they take.
      assert(agreed.length >= this.#samples.length / 2, `${tool} takes ${agreed.length} only`);
    }
    rmSync(this.#directory, { recursive: true });
  }
}

/** One answer a path; undefined: refused. Without answers: the tool is not there. */
type Answers = readonly (Content | undefined)[] | undefined;

const PYTHON = `
import json, sys, zipfile, zlib
for path in sys.stdin.read().split():
    try:
        with zipfile.ZipFile(path) as archive:
            files = [archive.read(info) for info in archive.infolist() if not info.is_dir()]
        print(json.dumps([f'{len(data)} {zlib.crc32(data)}' for data in files]))
    except Exception as error:
        print(json.dumps(f'{type(error).__name__}: {error}'))
`;

function readByPython(paths: readonly string[]): Answers {
  const output = run('python3', ['-c', PYTHON], paths);
  return output
    ?.trim()
    .split('\n')
    .map((line) => {
      const found: unknown = JSON.parse(line);
      return Array.isArray(found) ? found.map(String).sort() : undefined;
    });
}

/** `-t` reads every file, and says 1 of what it warns of; `-v` lists sizes and CRCs. */
const UNZIP = `
while read -r path; do
  unzip -tqq "$path" >/dev/null 2>&1
  code=$?
  echo "== $code"
  if [ $code -le 1 ]; then unzip -v "$path" 2>/dev/null; fi
done
`;
const LISTED = /^ *(\d+) +\S+ +\d+ +-?\d+% +\S+ +\S+ +([0-9a-f]{8}) {2}(.*)$/;

function readByUnzip(paths: readonly string[]): Answers {
  if (run('unzip', ['-v'], []) === undefined) return undefined;
  const output = run('sh', ['-c', UNZIP], paths) ?? '';
  return output
    .split('== ')
    .slice(1)
    .map((part) => {
      const [code = '', ...lines] = part.split('\n');
      if (Number(code) > 1) return undefined;
      return lines
        .flatMap((line) => {
          const [, size = '', crc32 = '', name = ''] = LISTED.exec(line) ?? [];
          return size === '' || name.endsWith('/') ? [] : [`${size} ${Number.parseInt(crc32, 16)}`];
        })
        .sort();
    });
}

function run(program: string, args: readonly string[], paths: readonly string[]) {
  try {
    return execFileSync(program, args, {
      input: paths.map((path) => `${path}\n`).join(''),
      encoding: 'latin1',
      maxBuffer: 1e9,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
