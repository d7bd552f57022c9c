// Who may import whom in src/. The linter (eslint.config.js) and test/docs/structure.test.ts both
// read this table; ARCHITECTURE.md explains it.

/**
 * The floors of src/ from the top down: folders of src/, or files of it without their ending. What
 * stands on a floor imports from lower floors only, and never from a neighbour on its own floor.
 */
export const FLOORS = [
  ['cli'],
  ['index'],
  [
    'demo',
    'doctor',
    'query',
    'members',
    'repair',
    'adopt',
    'report',
    'export',
    'split',
    'serve',
    'handoff',
    'lockfile',
  ],
  ['fetch'],
  [
    ...['verify', 'extract', 'join', 'join-directories', 'audit', 'stats', 'status', 'links'],
    ...['list', 'make-manifest'],
  ],
  ['description'],
  ['labels'],
  ['dataset'],
  ['ranges'],
  ['download'],
  ['sources'],
  ['hash', 'zip'],
  ['http', 'http-server', 'fs'],
  ['manifest'],
  ['threads'],
];

/** Files of src/ that everything may import; they import each other and nothing else. */
export const BASE = [
  'errors',
  'next-step',
  'events',
  'serve-event',
  'plan-event',
  'checks',
  'progress-throttle',
  'clock',
  'abort',
  'text',
  'concurrency',
  'errnos',
  'file-status',
];

/** These take a URL, a path, a length or a reader, and never a manifest. */
export const KNOW_NO_MANIFEST = ['http', 'http-server', 'fs', 'hash', 'zip'];

/** Each package has one home: who else needs what it does asks the home. */
export const HOMES = {
  commander: ['src/cli/**'],
  'cli-progress': ['src/cli/**'],
  undici: ['src/http/**'],
  yauzl: ['src/zip/**'],
  'csv-parse': ['src/labels/read.ts'],
  'csv-parse/sync': ['src/labels/read.ts'],
  parse5: ['src/sources/page*.ts'],
  sharp: ['src/dataset/load-sharp.ts'],
  'echarts/charts': ['src/report/charts.ts'],
  'echarts/components': ['src/report/charts.ts'],
  'echarts/core': ['src/report/charts.ts'],
  'echarts/renderers': ['src/report/charts.ts'],
  'tar-stream': ['src/export/formats/tar-file.ts'],
  'hyparquet-writer': ['src/export/formats/parquet-file.ts'],
  // Where text becomes data.
  zod: [
    'src/manifest/schema.ts',
    'src/labels/cells.ts',
    'src/cli/options*.ts',
    'src/dataset/ledger.ts',
    'src/download/part-state.ts',
    'src/fs/lock-file.ts',
    'src/sources/kept-links.ts',
    'src/ranges/range-store.ts',
    'src/export/journal.ts',
    'src/lockfile/read-lockfile.ts',
    'src/lockfile/make-lockfile.ts',
  ],
};
