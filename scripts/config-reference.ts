/** docs/reference/configuration.md, from the schema that every configuration has to fit. */
import { configJsonSchema } from '@modelhost/host';

/** As much of JSON Schema as the configuration is written in. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string | boolean;
  readonly format?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Row {
  readonly key: string;
  readonly value: string;
  readonly fallback: string;
  readonly docs: string;
}

/** The whole page. */
export function configReference(): string {
  // zod makes nothing else of our schema.
  const { properties = {}, required = [] } = configJsonSchema() as Schema;
  const sections = Object.entries(properties).flatMap(([name, schema]) => {
    const rows = rowsOf(name, schema, required.includes(name));
    return rows.length === 0
      ? []
      : `## ${name}\n\n| key | value | default | what it says |\n|---|---|---|---|\n${rows.map(lineOf).join('\n')}\n`;
  });
  return `# Configuration

Made by \`npm run generate\` from \`apps/host/src/config\`; \`model-host config schema\` prints the same as JSON Schema, for editors.
[configure.md](../configure.md) says how a configuration is made. \`[]\` stands for each item of a list, \`*\` for each name in a map. A default that is
missing means that the key is left out. **Bold** keys have to be there, where what is around them is.

${sections.join('\n')}`;
}

function lineOf({ key, value, fallback, docs }: Row): string {
  const cells = [key, value, fallback, docs].map((cell) => (cell === '' ? '' : `${cell} `));
  return `| ${cells.join('| ')}|`;
}

/** What can have one value only is not there yet. A value that is no plain one has a row of its own only where something is said about it. */
function rowsOf(key: string, schema: Schema, isRequired: boolean): readonly Row[] {
  if (schema.const !== undefined) return [];
  const inner = innerRows(key, schema);
  if (inner.length === 0 && schema.properties !== undefined) return [];
  const isSaid = schema.description !== undefined || inner.length === 0;
  if (!isSaid) return inner;
  const { default: fallback, description = '' } = schema;
  const row = {
    key: isRequired ? `**\`${key}\`**` : `\`${key}\``,
    value: inner.length > 0 && schema.type === 'object' ? 'a map' : valueOf(schema),
    fallback: fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``,
    docs: description.replaceAll(/[|*_<]/g, '\\$&'),
  };
  return [row, ...inner];
}

function innerRows(key: string, schema: Schema): readonly Row[] {
  const { properties = {}, required = [], additionalProperties, items, oneOf } = schema;
  if (oneOf !== undefined) return variantRows(key, oneOf);
  if (items !== undefined) return innerRows(`${key}[]`, items);
  // What may have any name besides is a map with some names that are known.
  if (typeof additionalProperties === 'object') return innerRows(`${key}.*`, additionalProperties);
  return Object.entries(properties).flatMap(([name, inner]) =>
    rowsOf(`${key}.${name}`, inner, required.includes(name)),
  );
}

/** Each key once, with the types that have it. */
function variantRows(key: string, variants: readonly Schema[]): readonly Row[] {
  const found = new Map<string, Row & { readonly types: readonly string[] }>();
  for (const variant of variants) {
    const type = String(variant.properties?.['type']?.const);
    for (const row of innerRows(key, variant)) {
      if (row.key.includes(`${key}.type`)) continue;
      const types = [...(found.get(row.key)?.types ?? []), type];
      found.set(row.key, { ...row, types });
    }
  }
  const types = variants.map(({ properties }) => `\`${String(properties?.['type']?.const)}\``);
  const type = { key: `**\`${key}.type\`**`, value: types.join(', '), fallback: '', docs: '' };
  const others = Array.from(found.values(), (row) => ({
    ...row,
    docs: `With ${row.types.map((name) => `\`${name}\``).join(', ')}. ${row.docs}`.trimEnd(),
  }));
  return [type, ...others];
}

function valueOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(valueOf).join(', or ');
  if (schema.oneOf !== undefined) return 'a map';
  if (schema.enum !== undefined) return schema.enum.map((name) => `\`${name}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  return plainValueOf(schema);
}

function plainValueOf(schema: Schema): string {
  const { type, items = {}, additionalProperties, format } = schema;
  if (type === 'array') {
    return items.properties === undefined ? `list of ${valueOf(items)}` : 'a list';
  }
  if (type === 'object') {
    const isMap = typeof additionalProperties === 'object';
    return isMap ? `map to ${valueOf(additionalProperties)}` : 'a map';
  }
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'integer' || type === 'number') return rangeOf(schema);
  return format === 'uri' ? 'URL' : 'text';
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Schema): string {
  const least = minimum === undefined ? `above ${exclusiveMinimum}` : String(minimum);
  return maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
    ? `${least} or more`
    : `${least} to ${maximum}`;
}
