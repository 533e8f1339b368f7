import type { Json, JsonObject, ToolDefinition } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import type { Case } from './case.ts';

/**
 * Words that mean something to the host whatever the tools are: the cues of numbers, months, halves of the day, the
 * beginnings of addresses, and the constants of YAML and JSON.
 */
const kept = new Set(
  (
    'id no nr number numbers amount amounts sum total price prices fee cost costs pay eur usd gbp chf euro euros dollar ' +
    'dollars pound pounds of at on st nd rd th am pm january february march april may june july august september october ' +
    'november december com net org jan feb mar apr jun jul aug sep oct nov dec http https www null true false none file'
  ).split(' '),
);

/** Gives each word another one, always the same. */
export type Renaming = (text: string) => string;

/**
 * A renaming of every word by a seed: another letter for each letter, in its case, so that what was a part of something, or
 * the same as something, still is.
 */
export function createRenaming(random: () => number): Renaming {
  const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
  const shuffled = letters
    .map((letter) => ({ letter, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ letter }) => letter);
  const other = new Map(letters.map((letter, index) => [letter, shuffled[index] ?? letter]));
  const rename = (word: string): string => {
    if (kept.has(word.toLowerCase())) return word;
    const renamed = word
      .split('')
      .map((letter) => {
        const next = other.get(letter.toLowerCase()) ?? letter;
        return letter === letter.toLowerCase() ? next : next.toUpperCase();
      })
      .join('');
    // A word must not become one of those that mean something.
    return kept.has(renamed.toLowerCase()) ? `${renamed}q` : renamed;
  };
  return (text) => text.replaceAll(/[A-Za-z]+/g, rename);
}

/** The case with every word renamed: its tools, its arguments, what was asked, answered and attacked with. */
export function renameCase(played: Case, rename: Renaming): Case {
  return {
    ...played,
    prompt: rename(played.prompt),
    calls: played.calls.map((call) => ({
      ...call,
      tool: rename(call.tool),
      arguments: renameObject(call.arguments, rename),
      result: rename(call.result),
    })),
  };
}

/** The tool with every word renamed, in what its server says and in what the operator declares. */
export function renameTool(tool: ToolDefinition, alias: string, rename: Renaming): ToolDefinition {
  const { references } = tool;
  return {
    ...tool,
    name: `${alias}__${rename(tool.serverTool)}`,
    description: rename(tool.description),
    inputSchema: renameSchema(tool.inputSchema, rename),
    decisionArguments: tool.decisionArguments.map(rename),
    ...(references === undefined ? {} : { references: renameReferences(references, rename) }),
    server: alias,
    serverTool: rename(tool.serverTool),
  };
}

function renameReferences(
  references: NonNullable<ToolDefinition['references']>,
  rename: Renaming,
): NonNullable<ToolDefinition['references']> {
  return Object.fromEntries(
    Object.entries(references).map(([name, { field, namedBy }]) => [
      rename(name),
      { field: rename(field), ...(namedBy === undefined ? {} : { namedBy: rename(namedBy) }) },
    ]),
  );
}

function renameObject(values: JsonObject, rename: Renaming): JsonObject {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [rename(name), renameValue(value, rename)]),
  );
}

function renameValue(value: Json, rename: Renaming): Json {
  if (typeof value === 'string') return rename(value);
  if (Array.isArray(value)) return value.map((item: Json) => renameValue(item, rename));
  return isJsonObject(value) ? renameObject(value, rename) : value;
}

/** Renames what a schema says of arguments, and leaves its own words. */
function renameSchema(schema: JsonObject, rename: Renaming): JsonObject {
  const visit = ([key, value]: readonly [string, Json]): readonly [string, Json] => {
    if (key === 'properties' && isJsonObject(value)) {
      const members = Object.entries(value).map(([name, member]) => [
        rename(name),
        isJsonObject(member) ? renameSchema(member, rename) : member,
      ]);
      return [key, Object.fromEntries(members)];
    }
    if (['required', 'enum', 'const', 'description', 'title', 'default'].includes(key))
      return [key, renameValue(value, rename)];
    if (Array.isArray(value))
      return [
        key,
        value.map((item: Json) => (isJsonObject(item) ? renameSchema(item, rename) : item)),
      ];
    return [key, isJsonObject(value) ? renameSchema(value, rename) : value];
  };
  return Object.fromEntries(Object.entries(schema).map((entry) => visit(entry)));
}
