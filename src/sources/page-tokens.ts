const BRACKETS = '{}[]';
const QUOTES = '"\'`';

/**
 * The strings, with their quotes, and the brackets of JavaScript or JSON, in order; comments are skipped.
 * In time that grows with the length alone, whatever the text is.
 */
export function* tokensOf(code: string): Generator<string, void, undefined> {
  /** For each quote: up to here, none ends a string that begins before. */
  const unclosed = new Map<string, number>();
  for (let at = 0; at < code.length; at += 1) {
    const char = code.charAt(at);
    if (BRACKETS.includes(char)) yield char;
    else if (char === '/') at = endOfComment(code, at);
    else if (QUOTES.includes(char) && at >= (unclosed.get(char) ?? 0)) {
      const end = endOfString(code, at);
      if (code.charAt(end) === char) {
        yield code.slice(at, end + 1);
        at = end;
      } else unclosed.set(char, end);
    }
  }
}

/** Where the quote is that ends a string, or the end of its line where there is none. */
function endOfString(code: string, start: number): number {
  const quote = code.charAt(start);
  for (let at = start + 1; at < code.length; at += 1) {
    const char = code.charAt(at);
    if (char === '\\') at += 1;
    else if (char === quote || (char === '\n' && quote !== '`')) return at;
  }
  return code.length;
}

/** The last character of a comment; of no comment, the first. */
function endOfComment(code: string, start: number): number {
  const [mark, isLine] = code.startsWith('//', start) ? ['\n', true] : ['*/', false];
  if (!isLine && !code.startsWith('/*', start)) return start;
  const end = code.indexOf(mark, start + 2);
  return end < 0 ? code.length : end + mark.length - 1;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** The text of a literal. */
export function unquote(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|(.))/gis, (_, unicode, hex, char: string) => {
      const code = [unicode, hex].find((digits) => typeof digits === 'string');
      if (typeof code === 'string') return String.fromCharCode(Number.parseInt(code, 16));
      return ESCAPES[char] ?? char;
    });
}
