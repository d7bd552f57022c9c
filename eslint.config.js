// Lint with types, and the house's directions of imports (see ARCHITECTURE.md).
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Layers from the top down: a folder may import only what stands below it. */
const BASE = [
  './src/errors.ts',
  './src/events.ts',
  './src/clock.ts',
  './src/text.ts',
  './src/abort.ts',
];
const LOW = ['net', 'disk', 'md5', 'zip', 'labels', 'manifest', 'threads'];
const STEPS = ['steps'];
const FEATURES = ['fetch', 'verify', 'extract', 'join', 'status', 'links', 'list', 'make-manifest'];
const dirs = (names) => names.map((name) => `./src/${name}`);

const zone = (target, from, message) => ({ target, from, message });

const zones = [
  ...BASE.map((file) =>
    zone(file, './src/!(errors|events|clock|text|abort).ts', 'The base knows nobody.'),
  ),
  ...LOW.flatMap((name) => [
    zone(
      `./src/${name}`,
      [...dirs([...FEATURES, ...STEPS, 'sources', 'cli', 'demo', 'release']), './src/index.ts'],
      `src/${name} stands below the features.`,
    ),
  ]),
  // net, disk, zip and labels take a URL, a path, a length: they know nothing of the manifest or of each other's rooms.
  zone('./src/net', dirs(['manifest', 'disk', 'md5', 'zip', 'labels']), 'net knows only the wire.'),
  zone(
    './src/md5',
    dirs(['manifest', 'net', 'disk', 'zip', 'labels']),
    'md5 knows only open files and bytes.',
  ),
  zone('./src/threads', dirs(LOW.filter((name) => name !== 'threads')), 'threads knows nobody.'),
  zone(
    './src/inflate',
    dirs(LOW.filter((name) => name !== 'inflate')),
    'inflate knows only bytes.',
  ),
  zone(
    './src/disk',
    dirs(['manifest', 'net', 'zip', 'labels']),
    'disk knows only paths and bytes.',
  ),
  zone('./src/zip', dirs(['manifest', 'net', 'md5', 'labels']), 'zip knows only archives.'),
  zone('./src/labels', dirs(['manifest', 'net', 'md5', 'zip']), 'labels knows only label files.'),
  zone(
    './src/manifest',
    dirs(['net', 'md5', 'zip', 'labels']),
    'manifest knows only the manifest.',
  ),
  zone(
    './src/sources',
    dirs([...FEATURES, ...STEPS, 'cli', 'demo', 'zip', 'labels']),
    'sources says where files lie.',
  ),
  zone(
    './src/steps',
    dirs([...FEATURES, 'cli', 'demo', 'release']),
    'steps stands below the features.',
  ),
  zone(
    './src/release',
    dirs([...FEATURES, ...STEPS, 'sources', 'net', 'cli', 'demo']),
    'release only makes files.',
  ),
  ...FEATURES.map((name) =>
    zone(
      `./src/${name}`,
      dirs([...FEATURES.filter((other) => other !== name), 'cli', 'demo']),
      'Features do not import each other: what two need moves down to steps.',
    ),
  ),
  zone('./src/demo', dirs(['cli']), 'demo stands below cli.'),
];

/** Each package has one home. */
const HOMES = {
  commander: ['src/cli/**'],
  'cli-progress': ['src/cli/**'],
  undici: ['src/net/**'],
  yauzl: ['src/zip/**'],
  'csv-parse': ['src/labels/**'],
  'csv-parse/sync': ['src/labels/**'],
  parse5: ['src/sources/page*.ts'],
  zod: [
    'src/manifest/schema.ts',
    'src/labels/read*.ts',
    'src/cli/options*.ts',
    'src/disk/*-schema.ts',
  ],
};
const restrict = (names) => [
  'error',
  {
    paths: names.map((name) => ({
      name,
      message: `${name} lives in ${HOMES[name].join(', ')} alone.`,
    })),
  },
];

const homeRules = Object.keys(HOMES).map((name) => HOMES[name].join());
const filesOf = (key) => key.split(',');

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'bench/.work', 'coverage', 'src/**/*.generated.ts'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })],
    },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 250 }],
      'max-lines-per-function': ['error', { max: 50 }],
      'max-params': ['error', 4],
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      'no-restricted-globals': ['error', 'process', 'console'],
      'no-restricted-imports': restrict(Object.keys(HOMES)),
    },
  },
  // A file in a package's home may import the packages that live there.
  ...[...new Set(homeRules)].map((key) => ({
    files: filesOf(key),
    rules: {
      'no-restricted-imports': restrict(
        Object.keys(HOMES).filter(
          (name) => !HOMES[name].some((home) => filesOf(key).includes(home)),
        ),
      ),
    },
  })),
  { files: ['src/cli/main.ts'], rules: { 'no-restricted-globals': ['error', 'console'] } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', '*.config.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-console': 'off',
      'max-lines': ['error', { max: 400 }],
    },
  },
);
