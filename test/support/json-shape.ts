import { definitionOf } from '../../scripts/json-docs.ts';
import type { Field, Model, Shape } from '../../scripts/json-model.ts';

interface Walk {
  readonly model: Model;
  readonly command: string;
  /** Ids of the fields that were met. */
  readonly marks: Set<string>;
}

/** What of a value is not as its description says; empty: nothing. */
export function problemsOf(
  value: unknown,
  shape: Shape,
  walk: Walk,
  at: string,
): readonly string[] {
  switch (shape.kind) {
    case 'primitive': {
      const is = value === null ? 'null' : typeof value;
      return is === shape.name ? [] : [`${at} is ${is}, not ${shape.name}`];
    }
    case 'literal':
      return value === shape.value ? [] : [`${at} is ${String(value)}, not ${shape.value}`];
    case 'array':
      if (!Array.isArray(value)) return [`${at} is no array`];
      return value.flatMap((item) => problemsOf(item, shape.of, walk, `${at}[]`));
    case 'map':
      if (!isRecord(value)) return [`${at} is no object`];
      return Object.entries(asRecord(value)).flatMap(([key, item]) => [
        ...problemsOf(key, shape.keys, walk, at),
        ...problemsOf(item, shape.of, walk, `${at}.${key}`),
      ]);
    case 'object':
      if (!isRecord(value)) return [`${at} is no object`];
      return problemsOfObject(asRecord(value), shape.fields, walk, at);
    case 'ref':
      return problemsOf(value, definitionOf(walk.model, shape.name).shape, walk, at);
    case 'by-command': {
      if (shape.isPartial && Object.keys(asRecord(value)).length === 0) return [];
      const { shape: table } = definitionOf(walk.model, shape.name);
      const fields = table.kind === 'object' ? table.fields : [];
      const field = fields.find(({ name }) => name === walk.command);
      if (field === undefined) return [`${at}: nothing is described for ${walk.command}`];
      return problemsOf(value, field.shape, walk, at);
    }
    case 'union': {
      const tries = shape.of.map((part) => {
        const own = { ...walk, marks: new Set<string>() };
        return { problems: problemsOf(value, part, own, at), marks: own.marks };
      });
      const [best] = tries.sort((a, b) => a.problems.length - b.problems.length);
      for (const id of best?.marks ?? []) walk.marks.add(id);
      return best?.problems ?? [];
    }
  }
}

function problemsOfObject(
  value: Readonly<Record<string, unknown>>,
  fields: readonly Field[],
  walk: Walk,
  at: string,
): readonly string[] {
  const unknown = Object.keys(value).filter((key) => !fields.some(({ name }) => name === key));
  const wrong = fields.flatMap(({ id, name, shape, isOptional }) => {
    const item = value[name];
    if (item === undefined) return isOptional ? [] : [`${at}.${name} is not there`];
    walk.marks.add(id);
    return problemsOf(item, shape, walk, `${at}.${name}`);
  });
  return [...unknown.map((key) => `${at}.${key} is not documented`), ...wrong];
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of what is no object: nothing. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** An event without what each begins with. */
export function withoutStamp(
  event: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const stamp = ['formatVersion', 'ccxriVersion', 'time'];
  return Object.fromEntries(Object.entries(event).filter(([field]) => !stamp.includes(field)));
}

/** Of all fields in it. */
export function idsOf(shape: Shape): readonly string[] {
  if (shape.kind === 'union') return shape.of.flatMap(idsOf);
  if (shape.kind === 'array') return idsOf(shape.of);
  if (shape.kind !== 'object') return [];
  return shape.fields.flatMap((field) => [field.id, ...idsOf(field.shape)]);
}

/** Every field and value of a type on a line: `FetchPlan.steps: FetchStep[]`, `Phase: "hash"`. */
export function linesOf(id: string, shape: Shape): readonly string[] {
  if (shape.kind === 'array') return linesOf(id, shape.of);
  if (shape.kind === 'union') return shape.of.flatMap((part) => linesOf(id, part));
  if (shape.kind !== 'object') return [`${id}: ${textOf(shape)}`];
  return shape.fields.flatMap((field) => [
    `${field.id}${field.isOptional ? '?' : ''}: ${textOf(field.shape)}`,
    ...(hasFields(field.shape) ? linesOf(field.id, field.shape) : []),
  ]);
}

function hasFields(shape: Shape): boolean {
  return shape.kind === 'object' || (shape.kind === 'array' && hasFields(shape.of));
}

function textOf(shape: Shape): string {
  switch (shape.kind) {
    case 'primitive':
      return shape.name;
    case 'literal':
      return JSON.stringify(shape.value);
    case 'array':
      return `${textOf(shape.of)}[]`;
    case 'map':
      return `{ ${textOf(shape.keys)}?: ${textOf(shape.of)} }`;
    case 'object':
      return 'object';
    case 'union':
      return shape.of.map(textOf).join(' | ');
    case 'ref':
      return shape.name;
    case 'by-command':
      return `${shape.name}[command]`;
  }
}
