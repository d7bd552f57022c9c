import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What a value of JSON looks like. */
export type Shape =
  | { readonly kind: 'primitive'; readonly name: 'string' | 'number' | 'boolean' | 'null' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'array'; readonly of: Shape }
  | { readonly kind: 'object'; readonly fields: readonly Field[] }
  /** Any of these keys, none of which has to be there. */
  | { readonly kind: 'map'; readonly keys: Shape; readonly of: Shape }
  | { readonly kind: 'union'; readonly of: readonly Shape[] }
  | { readonly kind: 'ref'; readonly name: string }
  /** The field of this definition that is named as the document's command. */
  | { readonly kind: 'by-command'; readonly name: string; readonly isPartial: boolean };

export interface Field {
  /** Unique in a model: `FetchResult.plan`, `NextStep run.files`, `LinksResult.tried.source`. */
  readonly id: string;
  readonly name: string;
  readonly shape: Shape;
  readonly isOptional: boolean;
  readonly meaning: string;
  /** When it is absent, or null; empty: never. */
  readonly absent: string;
}

/** A named type. */
export interface Definition {
  readonly name: string;
  readonly meaning: string;
  readonly shape: Shape;
}

/** By name, in the order of meeting. */
export type Model = ReadonlyMap<string, Definition>;

/** The types of src/cli/json-documents.ts and all that they name, with their comments. */
export function readModel(): Model {
  return new ModelReader(fileURLToPath(new URL('../src/cli/json-documents.ts', import.meta.url)))
    .definitions;
}

/** Types of the library that JSON output has in another form (`toJson` in src/cli/report.ts). */
const AS_PRINTED: ReadonlyMap<string, string> = new Map([['CcxriError', 'ErrorRecord']]);

class ModelReader {
  readonly definitions = new Map<string, Definition>();
  readonly #checker: ts.TypeChecker;
  readonly #symbols = new Map<string, ts.Symbol>();

  constructor(path: string) {
    const configPath = fileURLToPath(new URL('../tsconfig.json', import.meta.url));
    const root = fileURLToPath(new URL('..', import.meta.url));
    const config = ts.getParsedCommandLineOfConfigFile(configPath, undefined, {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    });
    const program = ts.createProgram([path], config?.options ?? {});
    this.#checker = program.getTypeChecker();
    for (const source of program.getSourceFiles()) {
      if (!source.fileName.startsWith(`${root}src/`)) continue;
      for (const node of source.statements) {
        if (!ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node)) continue;
        const symbol = this.#checker.getSymbolAtLocation(node.name);
        if (symbol !== undefined) this.#symbols.set(node.name.text, symbol);
      }
    }
    for (const name of ['RunDocument', 'CommandCounts', 'CommandResults', 'NdjsonEvent']) {
      this.#define(name);
    }
  }

  #define(name: string): Shape {
    const symbol = this.#symbols.get(name);
    const node = symbol?.declarations?.[0];
    if (symbol === undefined || node === undefined) throw new Error(`no type ${name} in src/`);
    if (!this.definitions.has(name)) {
      const meaning = this.#docOf(symbol);
      const definition = { name, meaning, shape: { kind: 'union', of: [] } as Shape };
      this.definitions.set(name, definition);
      definition.shape = ts.isTypeAliasDeclaration(node)
        ? this.#ofNode(node.type, name)
        : this.#ofObject(this.#checker.getDeclaredTypeOfSymbol(symbol), name);
    }
    return { kind: 'ref', name };
  }

  /** By the words of the code, for types keep their names there. */
  #ofNode(node: ts.TypeNode, id: string): Shape {
    if (ts.isUnionTypeNode(node)) {
      const parts = node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
      return unionOf(parts.map((part) => this.#ofNode(part, id)));
    }
    if (ts.isParenthesizedTypeNode(node)) return this.#ofNode(node.type, id);
    if (ts.isTypeOperatorNode(node)) return this.#ofNode(node.type, id);
    if (ts.isArrayTypeNode(node)) return { kind: 'array', of: this.#ofNode(node.elementType, id) };
    const table = byCommandTable(node);
    if (table !== undefined) return { kind: 'by-command', name: table, isPartial: false };
    if (ts.isTypeReferenceNode(node)) return this.#ofReference(node, id);
    return this.#ofType(this.#checker.getTypeFromTypeNode(node), id);
  }

  #ofReference(node: ts.TypeReferenceNode, id: string): Shape {
    const name = node.typeName.getText();
    const [first] = node.typeArguments ?? [];
    if (name === 'Partial' && first !== undefined) {
      const table = byCommandTable(first);
      if (table !== undefined) return { kind: 'by-command', name: table, isPartial: true };
      const [keys, of] = (ts.isTypeReferenceNode(first) && first.typeArguments) || [];
      if (keys !== undefined && of !== undefined) {
        return { kind: 'map', keys: this.#ofNode(keys, id), of: this.#ofNode(of, id) };
      }
    }
    const printed = AS_PRINTED.get(name) ?? name;
    if (first === undefined && this.#symbols.has(printed)) return this.#define(printed);
    return this.#ofType(this.#checker.getTypeFromTypeNode(node), id);
  }

  #ofType(type: ts.Type, id: string): Shape {
    const alias = type.aliasSymbol?.name ?? '';
    if (alias !== id && type.aliasTypeArguments === undefined && this.#symbols.has(alias)) {
      return this.#define(alias);
    }
    if (type.flags & ts.TypeFlags.Boolean) return { kind: 'primitive', name: 'boolean' };
    if (type.isUnion()) {
      const parts = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
      // The compiler's own order depends on what else it has read.
      if (parts.every((part) => part.isStringLiteral())) {
        parts.sort((a, b) => (a.value < b.value ? -1 : 1));
      }
      const kinds = parts.map((part) => this.#kindOf(part));
      return unionOf(
        parts.map((part, at) => this.#ofType(part, kinds[at] === '' ? id : `${id} ${kinds[at]}`)),
      );
    }
    if (type.isStringLiteral() || type.isNumberLiteral()) {
      return { kind: 'literal', value: type.value };
    }
    if (type.flags & ts.TypeFlags.BooleanLiteral) {
      return { kind: 'literal', value: this.#checker.typeToString(type) === 'true' };
    }
    if (type.flags & ts.TypeFlags.String) return { kind: 'primitive', name: 'string' };
    if (type.flags & ts.TypeFlags.Number) return { kind: 'primitive', name: 'number' };
    if (type.flags & ts.TypeFlags.Null) return { kind: 'primitive', name: 'null' };
    if (this.#checker.isArrayType(type)) {
      const [of] = this.#checker.getTypeArguments(type as ts.TypeReference);
      if (of !== undefined) return { kind: 'array', of: this.#ofType(of, id) };
    }
    if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) {
      return this.#ofObject(type, id);
    }
    throw new Error(`${id}: no form of JSON for ${this.#checker.typeToString(type)}`);
  }

  /** What tells a part of a union from the others: the value of its `kind`. */
  #kindOf(type: ts.Type): string {
    const kind = type.getProperty('kind');
    const of = kind && this.#checker.getTypeOfSymbol(kind);
    return of?.isStringLiteral() === true ? of.value : '';
  }

  #ofObject(type: ts.Type, id: string): Shape {
    const symbols = this.#checker.getPropertiesOfType(type);
    return { kind: 'object', fields: symbols.map((symbol) => this.#ofField(symbol, id)) };
  }

  #ofField(symbol: ts.Symbol, parent: string): Field {
    const { name } = symbol;
    const id = `${parent}.${name}`;
    const declaration = symbol.valueDeclaration ?? symbol.declarations?.[0];
    const node = declaration && ts.isPropertySignature(declaration) ? declaration.type : undefined;
    const isGeneric =
      node !== undefined &&
      (this.#checker.getTypeFromTypeNode(node).flags & ts.TypeFlags.TypeParameter) !== 0;
    const shape =
      node === undefined || isGeneric
        ? this.#ofType(this.#checker.getTypeOfSymbol(symbol), id)
        : this.#ofNode(node, id);
    const isOptional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
    const [meaning, own] = splitDoc(this.#docOf(symbol));
    const owner = declaration && this.#checker.getSymbolAtLocation(nameOf(declaration.parent));
    const [, inherited] = splitDoc(owner === undefined ? '' : this.#docOf(owner));
    const absent = own === '' && isOptional ? inherited : own;
    if (absent === '' && (isOptional || isNullable(shape))) {
      throw new Error(`${id}: its comment has to say when it is absent ("Absent …") or "Null …"`);
    }
    return { id, name, shape, isOptional, absent, meaning };
  }

  #docOf(symbol: ts.Symbol): string {
    return ts
      .displayPartsToString(symbol.getDocumentationComment(this.#checker))
      .replaceAll(/\s+/g, ' ');
  }
}

function nameOf(node: ts.Node): ts.Node {
  return ts.isInterfaceDeclaration(node) ? node.name : node;
}

/** `CommandResults` of `CommandResults[CommandName]`. */
function byCommandTable(node: ts.TypeNode): string | undefined {
  const isTable = ts.isIndexedAccessTypeNode(node) && node.indexType.getText() === 'CommandName';
  return isTable ? node.objectType.getText() : undefined;
}

function unionOf(parts: readonly Shape[]): Shape {
  const [first, ...more] = parts;
  return first !== undefined && more.length === 0 ? first : { kind: 'union', of: parts };
}

function isNullable(shape: Shape): boolean {
  if (shape.kind === 'union') return shape.of.some(isNullable);
  return shape.kind === 'primitive' && shape.name === 'null';
}

/** A comment without, and only, its sentences on when something is absent, null or empty. */
function splitDoc(doc: string): readonly [string, string] {
  const sentences = doc.match(/.+?\.(?=\s|$)|.+$/g)?.map((each) => each.trim()) ?? [];
  const isAbsent = (sentence: string) => /^(?:Absent|Null)\b/.test(sentence);
  return [
    sentences.filter((each) => !isAbsent(each)).join(' '),
    sentences.filter(isAbsent).join(' '),
  ];
}
