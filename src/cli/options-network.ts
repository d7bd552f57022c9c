import * as z from 'zod';
import { FIRST_CONNECTIONS, MOST_CONNECTIONS } from '../concurrency.ts';
import { DEFAULT_RETRY_POLICY, DEFAULT_TIMEOUT_MS } from '../http/retry-policy.ts';
import { type OptionSpec, text, whole } from './options-spec.ts';
import { HOST, connections, headers, names, rate, toNumber } from './options-values.ts';

/** The commands that ask sources. */
const ONLINE = ['fetch', 'query', 'repair', 'members', 'links', 'plan', 'doctor'] as const;

/** The part of the table of options (src/cli/options.ts) that says where files come from, and how. */
export const NETWORK_OPTIONS = {
  source: {
    long: '--source',
    value: 'WHERE',
    list: 'newline',
    group: 'Where from',
    schema: z.array(text).default([]),
    help: 'a directory, a base URL, or a page (live or saved .html); repeatable, tried in order',
    default: "the manifest's homepage",
    expects: 'a directory, a URL, or a saved page',
    isPath: true,
    commands: ONLINE,
  },
  pageUrl: {
    long: '--page-url',
    value: 'URL',
    group: 'Where from',
    schema: z.url({ protocol: /^https?$/ }).optional(),
    help: 'where a saved page was: its relative links refer to it',
    default: 'what the page says',
    expects: 'an http or https URL',
    commands: ONLINE,
  },
  header: {
    long: '--header',
    value: "'NAME: VALUE'",
    list: 'newline',
    group: 'Where from',
    schema: headers,
    help: 'sent to the sources (User-Agent, Accept, Accept-Language and Referer to every server); repeatable. In the variable it stays out of `ps`',
    expects: "'Name: value'",
    secret: true,
    commands: ONLINE,
  },
  headerHost: {
    long: '--header-host',
    value: 'HOST',
    list: 'comma',
    group: 'Where from',
    schema: names.refine((list) => list.every((item) => HOST.test(item))),
    help: 'another server that gets what --header says: one that the links of a saved page lead to; repeatable, or a,b',
    expects: 'names of hosts, such as files.example.org or files.example.org:8443',
    commands: ONLINE,
  },
  connections: {
    long: '--connections',
    value: 'N',
    group: 'Network',
    schema: connections,
    help: `connections in all: a number, or auto: ${FIRST_CONNECTIONS}, and more while that is faster, up to ${MOST_CONNECTIONS}; auto:32 goes up to 32`,
    default: 'auto',
    expects: 'a whole number from 1 to 64, auto, or auto:N, as auto:32',
    commands: ['fetch', 'repair', 'members'],
  },
  limitRate: {
    long: '--limit-rate',
    value: 'RATE',
    group: 'Network',
    schema: rate.optional(),
    help: 'bytes per second over all connections: 500K, 10M, 1G (units of 1000), 10MB/s, 8MiB/s',
    expects: 'bytes per second, 1K or more: 500K, 10M or 1G (units of 1000), 10MB/s, 8MiB/s',
    commands: ['fetch', 'repair', 'members'],
  },
  retries: {
    long: '--retries',
    ...whole(0, 1000),
    group: 'Network',
    help: 'attempts without progress, for a file or a page, before the next source is tried',
    default: DEFAULT_RETRY_POLICY.retries,
    commands: ['fetch', 'repair', 'members'],
  },
  timeout: {
    long: '--timeout',
    value: 'S',
    group: 'Network',
    schema: toNumber(/^[0-9]+(?:\.[0-9]+)?$/, 1, 3600),
    help: 'seconds without data before a connection is dropped and the download resumed',
    default: DEFAULT_TIMEOUT_MS / 1000,
    expects: 'seconds from 1 to 3600',
    commands: ONLINE,
    own: {
      query: { help: 'seconds without data before a connection is dropped' },
      links: { help: 'seconds without data before a connection is dropped' },
      plan: { help: 'seconds without data before a connection is dropped' },
      doctor: { help: 'seconds without data before a connection is dropped' },
    },
  },
} satisfies Record<string, OptionSpec>;
