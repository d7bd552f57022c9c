import type { NextStep } from '../errors.ts';

/** Why a server does not let ccxri in, although it may have the file. */
export interface Wall {
  /** What it is, to be put in brackets or behind a colon. */
  readonly name: string;
  /** It is nothing else, and the same request does not get past it: to be asked once only. */
  readonly isCertain: boolean;
  readonly next: readonly NextStep[];
}

/** A response, as far as it shows a wall. */
export interface WallSigns {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** The beginning of the body: 4 KB show all that is looked for. Absent: it was not read. */
  readonly start?: Uint8Array | undefined;
}

/**
 * The wall that a response is, where it is one. Pure. The body counts first, as it says most; a page
 * that has the links one looks for is none, whatever scripts it has.
 */
export function wallOf({ status, header, start }: WallSigns): Wall | undefined {
  const name = nameInHeaders(status, header) ?? nameInBody(start);
  if (name !== undefined) return { name, isCertain: true, next: AS_THAT_BROWSER };
  const other = asksForMore(start) ?? BY_STATUS[status];
  if (other !== undefined) return { name: other, isCertain: false, next: nextOf(status) };
  return status === 511 ? CAPTIVE_PORTAL : undefined;
}

const USER_AGENT = { kind: 'option', option: 'header', value: 'User-Agent: …' } as const;
const ELSEWHERE = {
  kind: 'option',
  option: 'source',
  purpose: '(a page saved in the browser, or a mirror)',
} as const satisfies NextStep;

/** Where a browser gets in: what it has that ccxri lacks. */
export const AS_THAT_BROWSER: readonly NextStep[] = [
  { kind: 'advice', text: 'open the address in a browser' },
  {
    kind: 'option',
    option: 'header',
    value: 'Cookie: …',
    purpose: 'with the cookies that it has there',
  },
  { ...USER_AGENT, purpose: 'as it sends it', or: ELSEWHERE },
];

const CREDENTIALS = {
  kind: 'option',
  option: 'header',
  value: 'Authorization: …',
  purpose: 'to log in',
} as const satisfies NextStep;

function nextOf(status: number): readonly NextStep[] {
  const or = status === 403 ? CREDENTIALS : ELSEWHERE;
  return [{ ...USER_AGENT, purpose: 'of a browser', or }];
}

const CAPTIVE_PORTAL: Wall = {
  name: 'the network between wants a login first: a captive portal',
  isCertain: true,
  next: [{ kind: 'advice', text: 'log in to the network in a browser' }, { kind: 'again' }],
};

const NOT_FOR_CLIENTS = 'it does not let this client in; most such servers go by the User-Agent';

/** These may pass by themselves (too many requests) or not (a User-Agent, an address). */
const BY_STATUS: Readonly<Record<number, string>> = {
  403: 'forbidden',
  412: NOT_FOR_CLIENTS,
  418: 'it takes this client for a crawler',
  444: NOT_FOR_CLIENTS,
  445: NOT_FOR_CLIENTS,
  468: NOT_FOR_CLIENTS,
};

function nameInHeaders(status: number, header: WallSigns['header']): string | undefined {
  const says = (name: string, text: RegExp) => text.test(header(name) ?? '');
  if (says('cf-mitigated', /^challenge/i)) return challengeOf('Cloudflare');
  if (says('x-amzn-waf-action', /^(?:challenge|captcha)/i)) return challengeOf('AWS WAF');
  if (says('x-vercel-mitigated', /^challenge/i)) return challengeOf('Vercel');
  // Elsewhere 521 is an error of Cloudflare that passes.
  if (status === 521 && says('set-cookie', /__jsl/)) return challengeOf('Jiasule');
  return undefined;
}

function challengeOf(maker: string): string {
  return `a challenge of ${maker}, which only a browser passes`;
}

/** What the scripts of challenges have, and the scripts that the same makers put into all pages lack. */
const CHALLENGES: readonly (readonly [maker: string, sign: RegExp])[] = [
  ['Cloudflare', /_cf_chl_opt|cf-browser-verification|<title>Just a moment\.\.\.|cf-error-details/],
  ['AWS WAF', /awsWafCookieDomainList|gokuProps/],
  ['Aliyun', /acw_sc__v\d|\barg1\s*=\s*['"][0-9A-F]{40}['"]/],
  // Its script may put the name of the cookie together letter by letter.
  ['Jiasule', /__jsl_clearance|document\.cookie\s*=\s*\('_'\)\s*\+\s*\('_'\)/],
  ['Ruishu', /\$_ts\s*=\s*window\[|\$_ts\.(?:nsd|cd)\b/],
  ['Imperva', /_Incapsula_Resource[^"']{0,500}incident_id|Incapsula incident ID/],
  ['Sucuri', /sucuri_cloudproxy_js/],
  ['DDoS-Guard', /\/\.well-known\/ddos-guard\/|<title>DDoS-Guard/],
];

const HUMAN =
  /安全验证|人机验证|滑动验证|访问验证|行为验证|人机识别|verify (?:that )?you are (?:a )?human/i;

/** More than a challenge needs before its sign comes. */
const MAX_TEXT = 16 * 1024;

function nameInBody(start: Uint8Array | undefined): string | undefined {
  const text = toMarkup(start);
  if (text === undefined) return undefined;
  const [maker] = CHALLENGES.find(([, sign]) => sign.test(text)) ?? [];
  if (maker !== undefined) return challengeOf(maker);
  const human = HUMAN.exec(text)?.[0];
  if (human !== undefined) return `a page that wants to see a human first ("${human}")`;
  const acts = /document\.cookie\s*=|location\s*(?:=|\.(?:href|reload|replace|assign))/.test(text);
  return acts && isScriptAlone(text)
    ? 'a script that has to run first, as it does in browsers'
    : undefined;
}

function asksForMore(start: Uint8Array | undefined): string | undefined {
  return /captcha|验证码/i.test(toMarkup(start) ?? '')
    ? 'a page that asks for a captcha or a login'
    : undefined;
}

/** Without its scripts the page shows nothing. */
function isScriptAlone(text: string): boolean {
  const parts = text.split(/<script\b/i).map((part, index) => {
    const end = index === 0 ? 0 : part.search(/<\/script/i);
    return end < 0 ? '' : part.slice(end);
  });
  return (
    parts.length > 1 &&
    parts
      .join('')
      .replace(/<[^<>]*>/g, '')
      .trim() === ''
  );
}

/** The text of a page, in the encodings that such pages have. undefined: it is no markup. */
function toMarkup(start: Uint8Array | undefined): string | undefined {
  const bytes = start?.subarray(0, MAX_TEXT);
  if (bytes === undefined) return undefined;
  // A character that is cut at the end is no sign of another encoding.
  const utf8 = new TextDecoder().decode(bytes, { stream: true });
  const text = utf8.includes('\ufffd') ? new TextDecoder('gb18030').decode(bytes) : utf8;
  return text.trimStart().startsWith('<') ? text : undefined;
}
