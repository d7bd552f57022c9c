/** Whether a text is HTML, by its beginning (as browsers tell: WHATWG MIME Sniffing, 7.1). */
export function looksLikeHtml(text: string): boolean {
  let rest = text
    .slice(0, 4000)
    .replace(/^\ufeff/, '')
    .trimStart();
  // By hand: an expression for "any number of comments" can be made to take for ever.
  for (let end = endOfLead(rest); end > 0; end = endOfLead(rest))
    rest = rest.slice(end).trimStart();
  return /^<(?:!doctype\s+html|html|head|title|meta|body|script|style|table|div|h1|p|a|br|font|b)\b/i.test(
    rest,
  );
}

/** The length of a comment or XML declaration at the beginning; 0: there is none. */
function endOfLead(text: string): number {
  const close = text.startsWith('<!--') ? '-->' : text.startsWith('<?xml') ? '?>' : undefined;
  const at = close === undefined ? -1 : text.indexOf(close);
  return at < 0 ? 0 : at + (close ?? '').length;
}
