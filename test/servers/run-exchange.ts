import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type FastClock, fastClock } from '../support/clock.ts';
import { destIn, manifestOf, run } from '../support/fetching.ts';
import { oddServer } from '../support/odd-server.ts';
import type { RawScript, RawServer } from '../support/raw-server.ts';
import { SIZES, type Size, type Variant } from './exchange.ts';
import { type Rival, runRival } from './rivals.ts';

export type Client = 'ccxri' | Rival;

/** How a client came through an exchange. */
export interface Came {
  readonly exit: number | string;
  /** The file is there, with its MD5. */
  readonly isRight: boolean;
  /** Bytes of bodies that the server sent, for each byte of the file. */
  readonly ratio: number;
  /** What it said, where it failed. */
  readonly error: string;
}

export interface Fetching {
  /** Of the directory that has the file, no slash behind it. */
  readonly baseUrl: string;
  readonly size: Size;
  /** Exclusive to this test; a directory below is made for each client. */
  readonly directory: string;
  /** Variables: a proxy. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: waits take no time. */
  readonly clock?: FastClock;
}

/** Fetches the file of a size as `ChestDx-1.zip` from a server. */
export async function fetchWith(client: Client, fetching: Fetching): Promise<Omit<Came, 'ratio'>> {
  const { baseUrl, size, env = {} } = fetching;
  const directory = join(fetching.directory, randomUUID());
  if (client === 'ccxri') return runCcxri({ ...fetching, directory });
  const { name, file } = SIZES[size];
  const url = `${baseUrl}/${name}`;
  return runRival(client, { url, name, directory, md5: String(file['md5']), env });
}

/** ccxri's library in this process. */
async function runCcxri(fetching: Fetching): Promise<Omit<Came, 'ratio'>> {
  const { baseUrl, size, directory, env, clock = fastClock() } = fetching;
  const ran = await run({
    dest: destIn(directory),
    manifest: manifestOf(SIZES[size]),
    sources: [`${baseUrl}/{name}`],
    timeoutMs: 20_000,
    clock,
    ...(env === undefined ? {} : { env }),
  }).catch((error: unknown) => ({ exit: 1, error, outcomes: [], result: undefined }));
  const [outcome] = ran.result?.outcomes ?? [];
  const error = ran.error ?? outcome?.error;
  return {
    exit: ran.exit,
    // `run` has read it back and compared.
    isRight: ran.outcomes[0] === 'downloaded',
    error: error instanceof Error ? error.message : '',
  };
}

export interface Place {
  readonly serve: (script: RawScript) => Promise<RawServer>;
  readonly directory: string;
}

/** Plays the exchange with one client. */
export async function play(client: Client, variant: Variant, place: Place): Promise<Came> {
  const { size, validators, twists } = variant;
  const { bytes } = SIZES[size];
  const odd = oddServer({ bytes, validators, twists: twists?.() ?? [] });
  const server = await place.serve(odd.script);
  const came = await fetchWith(client, {
    baseUrl: server.url,
    size,
    directory: place.directory,
  });
  return { ...came, ratio: odd.sentBytes() / bytes.length };
}
