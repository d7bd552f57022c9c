import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

export interface PublicTypes {
  /** All that the library exports, declared in one file that needs no other. */
  readonly text: string;
  /** Types that an exported declaration mentions, and that are not exported: `mentioned by`. */
  readonly missing: readonly string[];
}

/**
 * The declarations of a library, as tsc writes them, without what its entry does not export: so they
 * need no package, and every type that a user meets can be imported.
 * Types are not checked, which takes longer than the rest: `npm run typecheck` does that.
 * @throws where the code can't be parsed, or a declaration can't name its type
 */
export function publicTypes(entry: string, root: string): PublicTypes {
  const program = declarationsOf(entry, root);
  const checker = program.getTypeChecker();
  const source = program.getRootFileNames().map((name) => program.getSourceFile(name))[0];
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} exports nothing`);
  const resolve = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const exported = new Set(checker.getExportsOfModule(module).map(resolve));
  const statements = new Set(
    [...exported].flatMap((symbol) => (symbol.declarations ?? []).map(statementOf)),
  );
  const missing = new Set<string>();
  const visit = (node: ts.Node, mentionedBy: string): void => {
    if (ts.isIdentifier(node)) {
      const symbol = checker.getSymbolAtLocation(node);
      const target = symbol && resolve(symbol);
      if (target !== undefined && isOfModule(program, target) && !exported.has(target)) {
        missing.add(`${target.name}, mentioned by ${mentionedBy}`);
      }
    }
    ts.forEachChild(node, (child) => {
      visit(child, mentionedBy);
    });
  };
  for (const symbol of exported) {
    for (const declaration of symbol.declarations ?? []) visit(declaration, symbol.name);
  }
  const texts = [...statements].map((statement) => statement.getFullText().trim());
  return { text: `${texts.join('\n')}\nexport {};\n`, missing: [...missing].sort() };
}

/** A program of the declarations that tsc makes of a module and all that it imports, in memory. */
function declarationsOf(entry: string, root: string): ts.Program {
  const rootDir = dirname(entry);
  // Never on the disk: beside the sources an import would find these.
  const outDir = join(root, '.types');
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    { noEmit: false, declaration: true, emitDeclarationOnly: true, noCheck: true, rootDir, outDir },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  const options = config?.options ?? {};
  const written = new Map<string, string>();
  const program = ts.createProgram([entry], options);
  const problems = ts.getPreEmitDiagnostics(program);
  if (problems.length > 0) {
    throw new Error(ts.formatDiagnostics(problems, ts.createCompilerHost(options)));
  }
  program.emit(undefined, (name, text) => written.set(name, text));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => written.has(name) || disk.fileExists(name),
    directoryExists: () => true,
    readFile: (name) => written.get(name) ?? disk.readFile(name),
    getSourceFile: (name, target) => {
      const text = written.get(name) ?? disk.readFile(name);
      return text === undefined ? undefined : ts.createSourceFile(name, text, target, true);
    },
  };
  return ts.createProgram([join(outDir, basename(entry, '.ts') + '.d.ts')], options, host);
}

/** The `export declare const …` of a constant, which its declaration is a part of. */
function statementOf(declaration: ts.Declaration): ts.Node {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

/** Is it declared at the top of a module, and so has to be imported? */
function isOfModule(program: ts.Program, { declarations = [] }: ts.Symbol): boolean {
  return declarations.some((declaration) => {
    const file = declaration.getSourceFile();
    if (program.isSourceFileDefaultLibrary(file)) return false;
    return statementOf(declaration).parent === file && ts.isExternalModule(file);
  });
}
