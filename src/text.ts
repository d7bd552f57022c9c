import { sep } from 'node:path';

/**
 * Foreign text (server pages, zip names, CSV cells) made safe for a terminal: C0, C1, DEL, bidi
 * controls, and the line separators become visible escapes; too long a text is cut.
 */
export function toPrintable(text: string, maxLength = 300): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** JSON text that a terminal shows as it is, and a parser reads as before: what acts is escaped. */
export function toPrintableJson(json: string): string {
  return json.replace(UNSAFE, (char) => {
    // Between values only: in them JSON has it escaped.
    if (char === '\n') return char;
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

// Control characters are what this expression is for.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** Bytes for people, in the decimal units of disks and the dataset's page: `543 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit >= 3 && value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** A size for people: `about 157 MB` where it is approximate. */
export function formatSize({ bytes, about }: { bytes: number; about: boolean }): string {
  return `${about ? 'about ' : ''}${formatBytes(bytes)}`;
}

/** `1 file`, `2 files`: counts with thousands marked. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

/** 162000 as `162,000`, whatever the machine's locale. */
export function formatCount(n: number): string {
  return n.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `2 s`, `3 min 20 s`, `1 h 05 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** For estimates, two digits of them: `8 s`, `2.4 min`, `12 min`, `1.2 h`, `31 h`. */
export function formatAbout(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 99.5) return `${Math.min(99, Math.ceil(seconds - 0.001))} s`;
  const minutes = seconds / 60;
  return minutes < 59.5 ? `${twoDigits(minutes)} min` : `${twoDigits(minutes / 60)} h`;
}

/** Two digits: `850 KB/s`, `5.1 MB/s`, `12 MB/s`. */
export function formatSpeed(bytesPerSecond: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  let value = bytesPerSecond;
  let unit = 0;
  while (value >= 995 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const isSmall = unit === 0 && value < 99.5;
  return `${isSmall ? value.toFixed(0) : twoDigits(value)} ${units[unit] ?? ''}/s`;
}

function twoDigits(value: number): string {
  if (value < 9.95) return value.toFixed(1);
  return value < 99.5 ? value.toFixed(0) : `${Math.round(value / 10) * 10}`;
}

/**
 * A URL that may be printed: without user, password, query and fragment. Also of what is none: a
 * password with a `#` or `/` in it is a common slip, and must not be shown to say so.
 */
export function toPrintableUrl(url: string): string {
  const parsed = parseAddress(url);
  if (parsed === undefined) {
    const bare = url.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is, '$1');
    return toPrintable(bare.replace(/[?#].*$/s, '?…'));
  }
  const query = parsed.search === '' ? '' : '?…';
  return toPrintable(`${parsed.protocol}//${parsed.host}${parsed.pathname}${query}`);
}

/** undefined: it is none, or only seems so: `user:password@host` has the scheme `user`. */
function parseAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.pathname.startsWith('/') ? url : undefined;
}

export type ShellKind = 'posix' | 'windows';

/** Of who reads what is printed here. */
const OWN_SHELL: ShellKind = sep === '\\' ? 'windows' : 'posix';

/**
 * A word that a shell reads as it is meant, and a terminal shows as it is.
 * @param shell `windows`: cmd and PowerShell alike; a word that cannot be written for both (with `$`, a
 *   backtick or a double quote) is written for PowerShell
 */
export function quoteForShell(word: string, shell: ShellKind = OWN_SHELL): string {
  const shown = toPrintable(word, 4096);
  if (shell === 'windows') return quoteForWindows(shown);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

function quoteForWindows(word: string): string {
  if (/^[\w+=:./\\-]+$/.test(word)) return word;
  // PowerShell takes typographic quotes for its own.
  if (/["$`\u201c-\u201f]/.test(word)) return `'${word.replace(/['\u2018-\u201b]/g, '$&$&')}'`;
  // A backslash in front of the quote would make it part of the word.
  return `"${word.replace(/\\+$/, '$&$&')}"`;
}

/**
 * A URL that is the result of a command: printed with its query, since `download?file=ChestDx-1` says
 * nothing without it. User, password and fragment are left out, and the values of parameters that
 * look secret (signatures, tokens, keys) are `…`.
 */
export function toPrintableLink(url: string): string {
  const parsed = parseAddress(url);
  if (parsed === undefined) return toPrintableUrl(url);
  const { protocol, host, pathname, search } = parsed;
  const pairs = search.slice(1).split('&');
  const shown = pairs.map((pair) => {
    const [name = ''] = pair.split('=', 1);
    return pair.includes('=') && isSecretName(name) ? `${name}=…` : pair;
  });
  const query = search === '' ? '' : `?${shown.join('&')}`;
  return toPrintable(`${protocol}//${host}${pathname}${query}`, 2000);
}

/** Names of parameters as signed links and logins have them, a word each; and glued together. */
const SECRET_WORDS = new Set(
  'sig signature sign token key ak apikey auth authorization password passwd pwd pass secret credential credentials session sessionid sid jwt ticket policy'.split(
    ' ',
  ),
);
const SECRET_GLUED = /signature|token|password|passwd|secret|credential|accesskey|apikey|session/;
/** Amazon, Google, Aliyun and Tencent sign links with parameters of these kinds. */
const SECRET_PREFIX = /^(?:x-(?:amz|goog|oss|cos)-|q-)/;

function isSecretName(encoded: string): boolean {
  const name = decodeOrKeep(encoded);
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const lower = name.toLowerCase();
  return (
    SECRET_PREFIX.test(lower) ||
    SECRET_GLUED.test(lower) ||
    words.some((word) => SECRET_WORDS.has(word))
  );
}

/** Percent-decoded; a stray `%` is kept as it is. */
export function decodeOrKeep(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Text that HTML shows as it is, also in the value of an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`);
}

/** `12.3 %` of 0.123; small shares with a digit more. */
export function percent(share: number): string {
  // What rounds to 1.0 % has no digit more.
  return `${(100 * share).toFixed(share > 0 && share < 0.00995 ? 2 : 1)} %`;
}
