import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { type OddServer, oddServer } from '../support/odd-server.ts';
import type { RawServer, RawScript } from '../support/raw-server.ts';
import { SIZES, type Variant } from './exchange.ts';
import { type Rival, runRival } from './rivals.ts';

/** How a client came through an exchange. */
export interface Came {
  readonly exit: number | string;
  /** The file is there, with its MD5. */
  readonly isRight: boolean;
  /** Bytes of bodies that the server sent, for each byte of the file. */
  readonly ratio: number;
  readonly requests: number;
  /** What it said, where it failed. */
  readonly error: string;
}

export interface Place {
  readonly serve: (script: RawScript) => Promise<RawServer>;
  readonly directory: string;
}

async function open({ serve }: Place, variant: Variant) {
  const { bytes, name } = SIZES[variant.size];
  const { validators, twists } = variant;
  const odd = oddServer({ bytes, validators, twists: twists?.() ?? [] });
  const server = await serve(odd.script);
  return { odd, server, url: `${server.url}/${name}` };
}

function measure(variant: Variant, odd: OddServer, server: RawServer) {
  const ratio = odd.sentBytes() / SIZES[variant.size].bytes.length;
  return { ratio, requests: server.requests.length };
}

/** ccxri's library in this process, with waits that take no time. */
export async function runCcxri(variant: Variant, place: Place): Promise<Came> {
  const { odd, server, url } = await open(place, variant);
  const sample = SIZES[variant.size];
  const ran = await run({
    dest: destIn(join(place.directory, randomUUID())),
    manifest: manifestOf(sample),
    sources: [url.replace(sample.name, '{name}')],
    timeoutMs: 20_000,
  }).catch((error: unknown) => ({ exit: 1, error, outcomes: [], result: undefined }));
  const [outcome] = ran.result?.outcomes ?? [];
  const error = ran.error ?? outcome?.error;
  return {
    exit: ran.exit,
    // `run` has read it back and compared.
    isRight: ran.outcomes[0] === 'downloaded',
    ...measure(variant, odd, server),
    error: error instanceof Error ? error.message : '',
  };
}

export async function runOther(rival: Rival, variant: Variant, place: Place): Promise<Came> {
  const { odd, server, url } = await open(place, variant);
  const { name, file } = SIZES[variant.size];
  const directory = join(place.directory, randomUUID());
  const ended = await runRival(rival, { url, name, directory, md5: String(file['md5']) });
  return { ...ended, ...measure(variant, odd, server) };
}
