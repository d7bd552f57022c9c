// Lint with types; the directions of imports come from scripts/import-rules.mjs.
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { BASE, FLOORS, HOMES, KNOW_NO_MANIFEST } from './scripts/import-rules.mjs';

const pathsOf = (name) => [`./src/${name}`, `./src/${name}.ts`];

/** A floor may not import its own neighbours, nor anything above it. */
const zones = [
  ...FLOORS.flatMap((floor, at) =>
    floor.flatMap((name) => {
      const above = FLOORS.slice(0, at + 1)
        .flat()
        .filter((other) => other !== name);
      const barred = [...above, ...(KNOW_NO_MANIFEST.includes(name) ? ['manifest'] : [])];
      return pathsOf(name).map((target) => ({
        target,
        from: barred.flatMap(pathsOf),
        message: `src/${name} stands below it: see scripts/import-rules.mjs.`,
      }));
    }),
  ),
  ...BASE.map((name) => ({
    target: `./src/${name}.ts`,
    from: FLOORS.flat().flatMap(pathsOf),
    message: 'The base imports nothing but itself.',
  })),
].filter(({ from }) => from.length > 0);

const restrict = (names) => [
  'error',
  {
    paths: names.map((name) => ({
      name,
      message: `${name} lives in ${HOMES[name].join(', ')} alone.`,
    })),
  },
];

const homes = [...new Set(Object.values(HOMES).flat())];

export default tseslint.config(
  {
    ignores: [
      'dist',
      'node_modules',
      'bench/.work',
      'coverage',
      'src/**/*.generated.ts',
      // AssemblyScript.
      'src/**/*.as.ts',
    ],
  },
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
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 50 }],
      'max-params': ['error', 4],
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      'no-restricted-globals': ['error', 'process', 'console'],
      'no-restricted-imports': restrict(Object.keys(HOMES)),
    },
  },
  // A file in a package's home may import the packages that live there. No two homes overlap.
  ...homes.map((home) => ({
    files: [home],
    rules: {
      'no-restricted-imports': restrict(
        Object.keys(HOMES).filter((name) => !HOMES[name].includes(home)),
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
