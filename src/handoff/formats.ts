import { CcxriError } from '../errors.ts';
import { quoteForShell, toPrintable, toPrintableJson } from '../text.ts';
import type { HandoffFile, HandoffFormat } from './types.ts';

/** What every list says beside its files. */
export interface ListFacts {
  /** As `CC-CXRI 2.0`. */
  readonly release: string;
  readonly dataset: string;
  readonly version: string;
  /** How ccxri names itself to servers; some refuse those of download tools. */
  readonly userAgent: string;
}

/** The file of each list. */
export const LIST_NAMES: Readonly<Record<HandoffFormat, string>> = {
  md5sum: 'ccxri-plan.md5',
  aria2: 'ccxri-plan.aria2',
  metalink: 'ccxri-plan.meta4',
  wget: 'ccxri-plan.wget',
  rclone: 'ccxri-plan.sh',
  json: 'ccxri-plan.json',
};

/** These are of files whose address is not known as well. */
export const NEEDS_NO_URL: readonly HandoffFormat[] = ['md5sum', 'json'];

/**
 * A list of files in the form of a tool: the same bytes for the same files. Pure.
 * @throws CcxriError `manifest-invalid`: a name or an address has what would act in such a list
 */
export function renderList(
  format: HandoffFormat,
  files: readonly HandoffFile[],
  facts: ListFacts,
): string {
  for (const each of files) assertPlain(each);
  if (format === 'json') return renderJson(files, facts);
  const listed = format === 'md5sum' ? files : files.filter(({ urls }) => urls.length > 0);
  return listed.length === 0 ? '' : RENDER[format](listed, facts);
}

type Render = (files: readonly HandoffFile[], facts: ListFacts) => string;

const RENDER: Readonly<Record<Exclude<HandoffFormat, 'json'>, Render>> = {
  md5sum: (files) => files.map(renderSum).join(''),
  aria2: (files) => files.map(renderAria2).join(''),
  metalink: renderMetalink,
  // One of each file: wget would download the others as well.
  wget: (files) => files.map(({ urls: [first = ''] }) => `${first}\n`).join(''),
  rclone: renderRclone,
};

/** GNU md5sum passes over lines with `#`; what it can't judge must not look like a failure. */
function renderSum({ file, md5, md5Disputed }: HandoffFile): string {
  return md5Disputed
    ? `# ${file}: its published MD5, ${md5}, can not be trusted; ccxri checks the content\n`
    : `${md5}  ${file}\n`;
}

/** https://aria2.github.io/manual/en/html/aria2c.html#input-file: mirrors of a file by tabs. */
function renderAria2({ file, urls, md5, md5Disputed }: HandoffFile): string {
  const checksum = md5Disputed ? '' : `  checksum=md5=${md5}\n`;
  return `${urls.join('\t')}\n  out=${file}\n${checksum}`;
}

/** RFC 5854. A size is exact there, so that a rounded one is left out. */
function renderMetalink(files: readonly HandoffFile[], { release }: ListFacts): string {
  const entries = files.map(({ file, bytes, about, md5, md5Disputed, urls }) =>
    [
      `  <file name="${escapeXml(file)}">`,
      `    <identity>${escapeXml(release)}</identity>`,
      ...(about ? [] : [`    <size>${bytes}</size>`]),
      ...(md5Disputed ? [] : [`    <hash type="md5">${md5}</hash>`]),
      ...urls.map((url, at) => `    <url priority="${at + 1}">${escapeXml(url)}</url>`),
      '  </file>',
    ].join('\n'),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink">',
    ...entries,
    '</metalink>',
    '',
  ].join('\n');
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/**
 * A script, since the `copyurl` of most versions of rclone takes one URL. What is there with the right MD5
 * is left alone, so that it can be run again: rclone itself does not resume a file.
 */
function renderRclone(files: readonly HandoffFile[], { release, userAgent }: ListFacts): string {
  const calls = files.map(({ file, md5, md5Disputed, urls: [first = ''] }) =>
    ['get', first, file, md5Disputed ? 'disputed' : md5]
      .map((word) => quoteForShell(word, 'posix'))
      .join(' '),
  );
  return `#!/bin/sh
# Gets ${count(files)} of ${toPrintable(release, 160)} by rclone:
#   sh ${LIST_NAMES.rclone} DIRECTORY    or    sh ${LIST_NAMES.rclone} REMOTE:DIRECTORY
to=\${1:?where to: a directory, or REMOTE:DIRECTORY}
failed=0
sum() { rclone md5sum "$to/$1" 2>/dev/null | cut -c 1-32; }
get() {
  if [ "$3" != disputed ] && [ "$(sum "$2")" = "$3" ]; then
    echo "$2: is there"
    return
  fi
  if ! rclone copyurl --user-agent ${quoteForShell(userAgent, 'posix')} "$1" "$to/$2"; then
    echo "$2: failed" >&2
    failed=1
    return
  fi
  # A remote without MD5s says nothing here: what comes from it is checked later.
  case $3:$(sum "$2") in
    disputed:*|"$3:$3"|*:|*:[!0-9a-f]*) echo "$2: done" ;;
    *)
      echo "$2: is not the file: its MD5 is wrong" >&2
      failed=1
      ;;
  esac
}
${calls.join('\n')}
exit $failed
`;
}

function count(files: readonly HandoffFile[]): string {
  return files.length === 1 ? '1 file' : `${files.length} files`;
}

function renderJson(files: readonly HandoffFile[], { dataset, version }: ListFacts): string {
  const listed = files.map(({ error, ...file }) => ({
    ...file,
    ...(error === undefined ? {} : { why: error.message }),
  }));
  const list = { planVersion: 1, dataset, version, files: listed };
  return `${toPrintableJson(JSON.stringify(list, null, 2))}\n`;
}

/** A manifest's names and addresses are so; a library's caller may have made another. */
function assertPlain({ file, urls }: HandoffFile): void {
  const isName = /^[^\u0000-\u001f\u007f/\\#-][^\u0000-\u001f\u007f/\\]*$/.test(file);
  const isUrl = (url: string) => /^https?:\/\/[\u0021-\u007e]+$/.test(url);
  const wrong = isName ? urls.find((url) => !isUrl(url)) : file;
  if (wrong === undefined) return;
  const found = toPrintable(wrong, 80);
  throw new CcxriError('manifest-invalid', `"${found}" can't stand in a list of files`, { found });
}
