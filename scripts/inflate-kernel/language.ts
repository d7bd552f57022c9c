// The small language that program.ts is written in, compiled to WebAssembly's text format. RFC 1951
// is a page in it, and three in WebAssembly's own brackets.
//
//   fn name(a, b) -> int { … }      all parameters are `int`; `-> int` where it returns one
//   x = y + (z << 2)                a local has the type of what it is given first: `int` or `long`
//   u8[p], u16[p], i32[p], u64[p]   memory, in expressions and to the left of `=`
//   if x < y { … } else { … }, while x { … }, loop { … }, break, continue, return x
//   int(x)                          the lower half of a `long`; an `int` in a long's company grows
//   fill(to, byte, count), copy(to, from, count), least(x, y)
//
// `>>` brings in zeros; comparisons and `/` are signed. Names in capitals are constants.

type Type = 'i32' | 'i64';

/** An expression, as text. */
interface Value {
  readonly type: Type;
  readonly text: string;
  /** Where it is known. */
  readonly constant?: number;
  /** Of a sum with a constant: the rest, so that an address can carry the constant as its offset. */
  readonly base?: { readonly text: string; readonly offset: number };
}

/** From what binds least to what binds most. */
const PRECEDENCE: readonly Readonly<Record<string, string>>[] = [
  { '|': 'or' },
  { '^': 'xor' },
  { '&': 'and' },
  { '==': 'eq', '!=': 'ne' },
  { '<': 'lt_s', '<=': 'le_s', '>': 'gt_s', '>=': 'ge_s' },
  { '<<': 'shl', '>>': 'shr_u' },
  { '+': 'add', '-': 'sub' },
  { '*': 'mul', '/': 'div_s' },
];
const COMPARISONS = new Set(['eq', 'ne', 'lt_s', 'le_s', 'gt_s', 'ge_s']);

const CELLS: Readonly<
  Record<string, { readonly type: Type; readonly load: string; readonly store: string }>
> = {
  u8: { type: 'i32', load: 'i32.load8_u', store: 'i32.store8' },
  u16: { type: 'i32', load: 'i32.load16_u align=1', store: 'i32.store16 align=1' },
  i32: { type: 'i32', load: 'i32.load align=1', store: 'i32.store align=1' },
  u64: { type: 'i64', load: 'i64.load align=1', store: 'i64.store align=1' },
};

const BULK: Readonly<Record<string, string>> = { fill: 'memory.fill', copy: 'memory.copy' };

const TOKEN = /\s+|\/\/[^\n]*|([A-Za-z_]\w*|\d+|->|==|!=|<=|>=|<<|>>|[-+*/&|^<>=(){}[\],])/y;

function tokensOf(source: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) throw new Error(`not of this language: ${source.slice(at, at + 40)}`);
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
}

/**
 * The functions of a program, in WebAssembly's text format. Each is exported under its name.
 * @throws Error with what does not belong where it stands
 */
export function compile(source: string, constants: Readonly<Record<string, number>>): string {
  return new Compiler(tokensOf(source), constants).program();
}

class Compiler {
  readonly #tokens: readonly string[];
  readonly #constants: Readonly<Record<string, number>>;
  readonly #returns = new Map<string, boolean>();
  #at = 0;
  #locals = new Map<string, Type>();
  /** Labels of the loops around, the innermost last. */
  #loops: number[] = [];
  #labels = 0;

  constructor(tokens: readonly string[], constants: Readonly<Record<string, number>>) {
    this.#tokens = tokens;
    this.#constants = constants;
  }

  program(): string {
    const functions: string[] = [];
    while (this.#at < this.#tokens.length) functions.push(this.#function());
    return functions.join('\n');
  }

  get #token(): string {
    return this.#tokens[this.#at] ?? 'the end';
  }

  #next(): string {
    const token = this.#token;
    this.#at += 1;
    return token;
  }

  #accept(token: string): boolean {
    if (this.#token !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (this.#accept(token)) return;
    const around = this.#tokens.slice(Math.max(0, this.#at - 8), this.#at + 4).join(' ');
    throw new Error(`expected ${token}, found ${this.#token} in: ${around}`);
  }

  #function(): string {
    this.#expect('fn');
    const name = this.#next();
    this.#expect('(');
    const parameters: string[] = [];
    while (!this.#accept(')')) {
      parameters.push(this.#next());
      this.#accept(',');
    }
    this.#locals = new Map(parameters.map((parameter) => [parameter, 'i32']));
    const returns = this.#accept('->');
    if (returns) this.#expect('int');
    this.#returns.set(name, returns);
    const body = this.#body();
    const locals = [...this.#locals].slice(parameters.length);
    return [
      `(func $${name} (export "${name}")`,
      ...parameters.map((parameter) => `(param $${parameter} i32)`),
      ...(returns ? ['(result i32)'] : []),
      ...locals.map(([local, type]) => `(local $${local} ${type})`),
      body,
      ...(returns ? ['(unreachable)'] : []),
      ')',
    ].join('\n');
  }

  #body(): string {
    this.#expect('{');
    const statements: string[] = [];
    while (!this.#accept('}')) statements.push(this.#statement());
    return statements.join('\n');
  }

  #statement(): string {
    const word = this.#next();
    switch (word) {
      case 'if':
        return this.#choice();
      case 'while': {
        const condition = () => `(br_if $end${this.#loops.at(-1)} (i32.eqz ${this.#int()}))`;
        return this.#loop(condition);
      }
      case 'loop':
        return this.#loop(() => '');
      case 'break':
        return `(br $end${this.#loops.at(-1)})`;
      case 'continue':
        return `(br $next${this.#loops.at(-1)})`;
      case 'return':
        return this.#token === '}' ? '(return)' : `(return ${this.#int()})`;
      default:
        return this.#assignmentOrCall(word);
    }
  }

  #choice(): string {
    const condition = this.#int();
    const then = this.#body();
    const otherwise = this.#accept('else') ? `(else ${this.#body()})` : '';
    return `(if ${condition} (then ${then})${otherwise})`;
  }

  #loop(condition: () => string): string {
    this.#labels += 1;
    const label = this.#labels;
    this.#loops.push(label);
    const text = `(block $end${label} (loop $next${label} ${condition()} ${this.#body()} (br $next${label})))`;
    this.#loops.pop();
    return text;
  }

  #assignmentOrCall(word: string): string {
    if (this.#token === '(') return this.#call(word).text;
    const cell = CELLS[word];
    if (cell !== undefined) {
      const address = this.#address();
      this.#expect('=');
      return `(${placed(cell.store, address)} ${grown(this.#expression(), cell.type)})`;
    }
    this.#expect('=');
    const value = this.#expression();
    const type = this.#locals.get(word) ?? value.type;
    this.#locals.set(word, type);
    return `(local.set $${word} ${grown(value, type)})`;
  }

  /** In an address, a condition: where nothing but an `int` can stand. */
  #int(): string {
    return grown(this.#expression(), 'i32');
  }

  #address(): Value {
    this.#expect('[');
    const address = this.#expression();
    this.#expect(']');
    return address;
  }

  #expression(level = 0): Value {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return this.#primary();
    let left = this.#expression(level + 1);
    for (let name = operators[this.#token]; name !== undefined; name = operators[this.#token]) {
      this.#next();
      left = combine(name, left, this.#expression(level + 1));
    }
    return left;
  }

  #primary(): Value {
    const word = this.#next();
    if (word === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (/^\d/.test(word)) return toConstant(Number(word));
    const cell = CELLS[word];
    if (cell !== undefined) {
      return { type: cell.type, text: `(${placed(cell.load, this.#address())})` };
    }
    if (this.#token === '(') return this.#call(word);
    const constant = this.#constants[word];
    if (constant !== undefined) return toConstant(constant);
    const type = this.#locals.get(word);
    if (type === undefined) throw new Error(`nothing was given to ${word}`);
    return { type, text: `(local.get $${word})` };
  }

  #call(name: string): Value {
    this.#expect('(');
    const values: Value[] = [];
    while (!this.#accept(')')) {
      values.push(this.#expression());
      this.#accept(',');
    }
    const [first, second] = values;
    if (name === 'int' && first !== undefined) {
      return { type: 'i32', text: `(i32.wrap_i64 ${first.text})` };
    }
    const texts = values.map((value) => grown(value, 'i32')).join(' ');
    if (name === 'least' && first !== undefined && second !== undefined) {
      return { type: 'i32', text: `(select ${texts} (i32.lt_s ${texts}))` };
    }
    const bulk = BULK[name];
    if (bulk !== undefined) return { type: 'i32', text: `(${bulk} ${texts})` };
    if (!this.#returns.has(name)) throw new Error(`there is no function ${name} so far`);
    return { type: 'i32', text: `(call $${name} ${texts})` };
  }
}

function toConstant(constant: number): Value {
  return { type: 'i32', text: `(i32.const ${constant})`, constant };
}

function grown(value: Value, type: Type): string {
  if (value.type === type) return value.text;
  if (type === 'i32') throw new Error(`a long stands where an int is needed: ${value.text}`);
  return value.constant === undefined
    ? `(i64.extend_i32_u ${value.text})`
    : `(i64.const ${value.constant})`;
}

function combine(name: string, left: Value, right: Value): Value {
  const type = left.type === 'i64' || right.type === 'i64' ? 'i64' : 'i32';
  const text = `(${type}.${name} ${grown(left, type)} ${grown(right, type)})`;
  if (COMPARISONS.has(name)) return { type: 'i32', text };
  if (name !== 'add' || right.constant === undefined || type === 'i64') return { type, text };
  if (left.constant !== undefined) return toConstant(left.constant + right.constant);
  const { text: base, offset } = left.base ?? { text: left.text, offset: 0 };
  return { type, text, base: { text: base, offset: offset + right.constant } };
}

/** An access with its address. */
function placed(access: string, { text, constant, base }: Value): string {
  const [name = '', ...attributes] = access.split(' ');
  const offset = constant ?? base?.offset ?? 0;
  const at = constant === undefined ? (base?.text ?? text) : '(i32.const 0)';
  return [name, `offset=${offset}`, ...attributes, at].join(' ');
}
