import type { Answer, Ask, Twist } from './odd-server.ts';

type When = (ask: Ask, answer: Answer) => boolean;

export const isRanged: When = ({ range }) => range !== undefined;
/** Not from the first byte: something is here already, or several connections share the file. */
export const isResumed: When = ({ range }) => (range?.[0] ?? 0) > 0;

export function when(condition: When, twist: Twist): Twist {
  return (answer, ask) => (condition(ask, answer) ? twist(answer, ask) : answer);
}

/** Only so many times. */
export function times(count: number, condition: When, twist: Twist): Twist {
  let left = count;
  return when((ask, answer) => {
    if (left <= 0 || !condition(ask, answer)) return false;
    left -= 1;
    return true;
  }, twist);
}

export const once = (twist: Twist, condition: When = () => true) => times(1, condition, twist);

/** Sets headers, or leaves them out. */
export function headers(changed: Readonly<Record<string, string | undefined>>): Twist {
  return (answer) => ({ ...answer, headers: { ...answer.headers, ...changed } });
}

export function change(changed: Partial<Answer>): Twist {
  return (answer) => ({ ...answer, ...changed });
}

export const refuse = change({ isRefused: true });

/** Something else instead of the file. */
export function page(
  status: number,
  body = '',
  more: Readonly<Record<string, string | undefined>> = {},
): Twist {
  const headersOfPage = { 'Content-Type': 'text/html; charset=utf-8', ...more };
  return () => ({ status, headers: headersOfPage, body: Buffer.from(body), framing: 'length' });
}

export const HTML =
  '<!doctype html><html><head><title>Busy</title></head><body>Busy</body></html>\n';

/** The whole file, whatever was asked for. */
export const whole: Twist = (answer, { bytes }) => {
  const headersOfWhole = { ...answer.headers, 'Content-Range': undefined };
  return { ...answer, status: 200, headers: headersOfWhole, body: bytes };
};

/** Bodies that are worth it are cut; a rest of some KB comes whole. */
const CUT_BYTES = 256 * 1024;
const isLong: When = (_, { body }) => body.length >= CUT_BYTES;
const cut: Twist = (answer) => ({ ...answer, cutAt: Math.floor(answer.body.length * 0.6) });

export const CUTS = {
  'no cut': () => [],
  'each answer cut': () => [when(isLong, cut)],
  'first answer cut': () => [once(cut, isLong)],
  'third answer cut': () => [once(cut, (ask, answer) => ask.index >= 2 && isLong(ask, answer))],
} as const satisfies Readonly<Record<string, () => readonly Twist[]>>;

export type Cut = keyof typeof CUTS;
