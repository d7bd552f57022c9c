import { createRandom } from '../../scripts/release/random.ts';
import {
  answer,
  head,
  html,
  redirect,
  unsatisfiable,
  type RawReply,
  type RawRequest,
  type RawScript,
} from './raw-server.ts';

/** What a server does instead of giving the file. */
export type SoakFault =
  | 'cut'
  | 'reset'
  | 'reset at once'
  | 'stall'
  | 'no answer'
  | 'trickle'
  | 'busy 429'
  | 'busy 503'
  | 'error 500'
  | 'redirect'
  | 'range ignored'
  | 'wrong range'
  | 'no length, and cut'
  | 'encoded'
  | 'wrong bytes'
  | 'page'
  | 'absent';

/** After these another attempt at the same server is worth it. */
export const PASSING: readonly SoakFault[] = [
  'cut',
  'reset',
  'reset at once',
  'stall',
  'no answer',
  'trickle',
  'busy 429',
  'busy 503',
  'error 500',
  'redirect',
  'range ignored',
  'wrong range',
  'no length, and cut',
  'wrong bytes',
];

/** These send the file to the next server. */
export const FINAL: readonly SoakFault[] = ['page', 'absent', 'encoded'];

export interface SoakOptions {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly seed: string;
  /** Of a file's first requests; later ones are answered honestly. */
  readonly faults: readonly SoakFault[];
  /** How likely each of a file's first requests meets one. */
  readonly share: number;
  /** Of these it has other bytes of the same length, for ever. */
  readonly older?: ReadonlySet<string>;
  /** A connection is no faster. */
  readonly bytesPerSecond: number;
}

const MOST_FAULTS = 3;
const PIECES = 6;

/** A server that gives files, and lets what can go wrong go wrong by chance: of one seed, the same. */
export function soakScript(options: SoakOptions): {
  readonly script: RawScript;
  /** How often each was done. */
  readonly done: ReadonlyMap<SoakFault, number>;
} {
  const done = new Map<SoakFault, number>();
  const asked = new Map<string, number>();
  const script: RawScript = async (request, reply) => {
    const name = decodeURIComponent(request.path.replace(/^\/(?:moved\/)?/, ''));
    const bytes = options.files.get(name);
    if (bytes === undefined) {
      await reply.send(answer(404, ''));
      return;
    }
    const file = { bytes: options.older?.has(name) === true ? turned(bytes) : bytes, request };
    const nth = (asked.get(name) ?? 0) + 1;
    asked.set(name, nth);
    const fault = request.path.startsWith('/moved/') ? undefined : pickFault(options, name, nth);
    if (fault !== undefined) done.set(fault, (done.get(fault) ?? 0) + 1);
    await answerWith(fault, file, { reply, bytesPerSecond: options.bytesPerSecond });
  };
  return { script, done };
}

function pickFault(options: SoakOptions, name: string, nth: number): SoakFault | undefined {
  const random = createRandom(`${options.seed} ${name} ${nth}`);
  if (nth > MOST_FAULTS || random.next() >= options.share) return undefined;
  const fault = options.faults[random.int(options.faults.length)];
  // A second time within a file it would be the server's answer, and the last server's must be right.
  return fault === 'wrong bytes' && nth > 1 ? undefined : fault;
}

/** The same length and beginning, other bytes. */
function turned(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 100; at < copy.length; at += 1000) copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

interface Served {
  readonly bytes: Buffer;
  readonly request: RawRequest;
}

interface Wire {
  readonly reply: RawReply;
  readonly bytesPerSecond: number;
}

async function answerWith(fault: SoakFault | undefined, file: Served, wire: Wire): Promise<void> {
  const { bytes, request } = file;
  const { reply, bytesPerSecond } = wire;
  const half = Math.floor(bytes.length / 2);
  switch (fault) {
    case 'trickle':
      return sendHonestly(file, { reply, bytesPerSecond: bytesPerSecond / 3 });
    case 'cut':
      await sendHonestly(file, wire, half);
      reply.end();
      return;
    case 'reset':
      await sendHonestly(file, wire, half);
      reply.reset();
      return;
    case 'reset at once':
      reply.reset();
      return;
    case 'stall':
      await sendHonestly(file, wire, half);
      return reply.hang();
    case 'no answer':
      return reply.hang();
    case 'no length, and cut':
      await reply.send(head(200, { ETag: etagOf(bytes), Connection: 'close' }));
      await sendPaced(bytes.subarray(0, half), wire);
      reply.end();
      return;
    case 'range ignored':
      await reply.send(head(200, headersOf(bytes, bytes.length)));
      return sendPaced(bytes, wire);
    case 'wrong range':
      return sendWrongRange(file, wire);
    case 'redirect':
      await reply.send(redirect(`/moved${request.path}`));
      return;
    case 'wrong bytes':
      return sendHonestly({ bytes: turned(bytes), request }, wire, undefined, etagOf(bytes));
    case undefined:
      return sendHonestly(file, wire);
    case 'busy 429':
    case 'busy 503':
    case 'error 500':
    case 'page':
    case 'absent':
    case 'encoded':
      await reply.send(REFUSALS[fault]);
  }
}

const REFUSALS = {
  'busy 429': answer(429, 'too many', { 'Retry-After': 1 }),
  'busy 503': answer(503, 'busy', { 'Retry-After': 1 }),
  'error 500': answer(500, 'oops'),
  page: html('Please log in'),
  absent: answer(404, ''),
  encoded: answer(200, 'not what it was', { 'Content-Encoding': 'gzip' }),
};

const etagOf = (bytes: Buffer) => `"${bytes.length}-${bytes.readUInt32LE(bytes.length - 8)}"`;

function headersOf(bytes: Buffer, length: number, etag = etagOf(bytes)) {
  return { 'Content-Length': length, ETag: etag, 'Accept-Ranges': 'bytes' };
}

/** @param upTo breaks off behind so many bytes of the body */
async function sendHonestly(
  { bytes, request }: Served,
  wire: Wire,
  upTo = Infinity,
  etag = etagOf(bytes),
): Promise<void> {
  const { reply } = wire;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers['range'] ?? '');
  const isSame = (request.headers['if-range'] ?? etag) === etag;
  if (range === null || !isSame) {
    await reply.send(head(200, headersOf(bytes, bytes.length, etag)));
    return sendPaced(bytes.subarray(0, upTo), wire);
  }
  const from = Number(range[1]);
  const to = range[2] === '' ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1);
  if (from > to) {
    await reply.send(unsatisfiable(bytes.length));
    return;
  }
  const contentRange = `bytes ${from}-${to}/${bytes.length}`;
  const headers = { ...headersOf(bytes, to + 1 - from, etag), 'Content-Range': contentRange };
  await reply.send(head(206, headers));
  await sendPaced(bytes.subarray(from, to + 1).subarray(0, upTo), wire);
}

async function sendWrongRange(file: Served, wire: Wire): Promise<void> {
  const { bytes, request } = file;
  if (request.headers['range'] === undefined) return sendHonestly(file, wire);
  const contentRange = `bytes 7-${bytes.length - 1}/${bytes.length}`;
  const headers = { ...headersOf(bytes, bytes.length - 7), 'Content-Range': contentRange };
  await wire.reply.send(head(206, headers));
  await sendPaced(bytes.subarray(7), wire);
}

async function sendPaced(body: Buffer, { reply, bytesPerSecond }: Wire): Promise<void> {
  const piece = Math.ceil(body.length / PIECES);
  for (let at = 0; at < body.length; at += piece) {
    if (!(await reply.send(body.subarray(at, at + piece)))) return;
    await reply.wait((piece / bytesPerSecond) * 1000);
  }
}
