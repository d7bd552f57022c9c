import { tokensOf, unquote } from './page-tokens.ts';

/** Longer values are data, not addresses. */
const MAX_ADDRESS = 2000;

/**
 * Whether a text may be an address of a file: `address`; `name`: the bare name of an archive or table;
 * undefined: neither.
 */
export function isAddress(text: string): 'address' | 'name' | undefined {
  if (text.length > MAX_ADDRESS || /[\s<>{}|^`]/.test(text) || PART_OF_PAGE.test(text))
    return undefined;
  if (/^(?:https?:\/\/|\/\/?|\.\.?\/)[^/]/i.test(text) || /[\w/]\?[\w%]+=/.test(text))
    return 'address';
  if (!/\.(?:zip|csv)$/i.test(text)) return undefined;
  return text.includes('/') ? 'address' : 'name';
}

const PART_OF_PAGE = /\.(?:png|jpe?g|gif|svg|webp|ico|css|m?js|woff2?)(?:[?#]|$)/i;

/** Attributes in which scripts find where to go: `data-href`, `data-download-url`. */
const ADDRESS_ATTRIBUTE =
  /^(?:data-(?:[\w-]+-)?(?:href|url|uri|link|src|download|file|path)|formaction|xlink:href)$/;
const HANDLER = /^on(?:click|mousedown|mouseup|dblclick)$|^(?:ng|v-on:|@)-?click$/;

/** The address that an element without a link of its own leads to, as its attributes say. */
export function addressIn(attributes: ReadonlyMap<string, string>): string | undefined {
  for (const [name, value] of attributes) {
    const isCode = HANDLER.test(name) || (name === 'href' && /^\s*javascript:/i.test(value));
    const literal = isCode
      ? literalsIn(value).find((it) => isAddress(it) !== undefined)
      : undefined;
    if (literal !== undefined) return literal;
    const text = value.trim();
    const isRelative = /^[\w.%-]+\/[\w.%/-]+$/.test(text) && !PART_OF_PAGE.test(text);
    if (ADDRESS_ATTRIBUTE.test(name) && (isRelative || isAddress(text) !== undefined)) return text;
  }
  return undefined;
}

/** Longer code than in any attribute. */
const MAX_CODE = 4000;

function literalsIn(code: string): readonly string[] {
  // A `javascript:` link may be percent-encoded.
  const text = code.slice(0, MAX_CODE).replace(/%(2[27]|5C)/gi, (it) => decodeURIComponent(it));
  return [...tokensOf(text)].filter((token) => token.length > 1).map(unquote);
}
