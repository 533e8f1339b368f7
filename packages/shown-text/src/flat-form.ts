import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { showShortText } from './show-text.ts';

const fieldsMax = 32;
const choicesMax = 200;
const nameLengthMax = 200;
const titleLengthMax = 200;
const descriptionLengthMax = 1_000;

/**
 * The schema of a form as a person may be asked to fill it in: MCP's flat object of texts, numbers, yes or no, and
 * choices, and of those only what a form is made of. Patterns go, since nobody should have to run those of a stranger.
 * To read it twice changes nothing more. Throws `mcp_protocol_error` for a schema that asks for more than such a form.
 */
export function readFlatForm(given: Json | undefined): JsonObject {
  if (!isJsonObject(given) || given['type'] !== 'object' || !isJsonObject(given['properties'])) {
    throw malformed('has no flat schema');
  }
  const fields = Object.entries(given['properties']);
  if (fields.length > fieldsMax) throw malformed(`has more than ${fieldsMax} fields`);
  const properties = Object.fromEntries(
    fields.map(([name, field]) => [readName(name), readField(field)]),
  );
  return { type: 'object', properties, ...readRequired(given['required'], properties) };
}

function readName(name: string): string {
  if (name === '') throw malformed('has a field without a name');
  return readProper(name, 'field');
}

function readRequired(given: Json | undefined, properties: JsonObject): JsonObject {
  if (given === undefined) return {};
  const isNamed = (name: Json): boolean =>
    typeof name === 'string' && Object.hasOwn(properties, name);
  const names = listOf(given);
  if (names === undefined || !names.every(isNamed)) {
    throw malformed('requires what is no field of it');
  }
  return { required: [...new Set(names)] };
}

function readField(given: Json): JsonObject {
  if (!isJsonObject(given)) throw malformed('has a field without a schema');
  const shown = { ...textOf(given, 'title'), ...textOf(given, 'description') };
  const { type } = given;
  switch (typeof type === 'string' ? type : '') {
    case 'string':
      return { type: 'string', ...shown, ...readTextField(given) };
    case 'number':
      return { type: 'number', ...shown, ...readNumberField(given) };
    case 'integer':
      return { type: 'integer', ...shown, ...readNumberField(given) };
    case 'boolean':
      return { type: 'boolean', ...shown, ...pick(given, ['default'], isBoolean) };
    case 'array':
      return { type: 'array', ...shown, ...readManyField(given) };
  }
  throw malformed('has a field that is no text, number, yes or no, or choice');
}

function readNumberField(given: JsonObject): JsonObject {
  return pick(given, ['minimum', 'maximum', 'default'], Number.isFinite);
}

function readTextField(given: JsonObject): JsonObject {
  if (given['enum'] !== undefined || given['oneOf'] !== undefined) {
    const { values, members } = readChoices(given, 'oneOf');
    return { ...members, ...pick(given, ['default'], (value) => values.has(value)) };
  }
  return {
    ...pick(given, ['minLength', 'maxLength'], isCount),
    ...pick(given, ['format'], (value) => formats.has(value)),
    ...textOf(given, 'default'),
  };
}

/** Several of a list of choices. */
function readManyField(given: JsonObject): JsonObject {
  const { items } = given;
  if (!isJsonObject(items)) throw malformed('has a list without choices');
  const { values, members } = readChoices(items, 'anyOf');
  const isTaken = (preset: Json): boolean => {
    const chosen = listOf(preset);
    return (
      chosen !== undefined &&
      chosen.length <= values.size &&
      chosen.every((value) => values.has(value))
    );
  };
  return {
    items: { ...(items['type'] === undefined ? {} : { type: 'string' }), ...members },
    ...pick(given, ['minItems', 'maxItems'], isCount),
    ...pick(given, ['default'], isTaken),
  };
}

interface Choices {
  readonly values: ReadonlySet<Json>;
  readonly members: JsonObject;
}

/** Choices as `enum`, with names beside them or not, or as a list of constants with titles. */
function readChoices(given: JsonObject, titled: 'oneOf' | 'anyOf'): Choices {
  const { enum: plain, enumNames: names } = given;
  if (plain !== undefined) {
    const values = boundedListOf(plain).map((value) => readProper(value, 'choice'));
    const titles = listOf(names);
    const shown = titles?.length === values.length ? titles.map(showTitle) : undefined;
    return {
      values: new Set<Json>(values),
      members: { enum: values, ...(shown === undefined ? {} : { enumNames: shown }) },
    };
  }
  const options = boundedListOf(given[titled]).map((option) => {
    if (!isJsonObject(option)) throw malformed('has a choice without a value');
    const value = readProper(option['const'], 'choice');
    return { const: value, title: showTitle(option['title'] ?? value) };
  });
  return {
    values: new Set<Json>(options.map((option) => option.const)),
    members: { [titled]: options },
  };
}

function boundedListOf(given: Json | undefined): readonly Json[] {
  const list = listOf(given) ?? [];
  if (list.length === 0 || list.length > choicesMax) {
    throw malformed(`has no choices, or more than ${choicesMax}`);
  }
  return list;
}

function listOf(given: Json | undefined): readonly Json[] | undefined {
  return Array.isArray(given) ? given : undefined;
}

function showTitle(given: Json): string {
  if (typeof given !== 'string') throw malformed('has a choice whose title is no text');
  return showShortText(given, titleLengthMax);
}

/** What comes back as it is must show as it is. */
function readProper(given: Json | undefined, what: 'field' | 'choice'): string {
  const isProper = typeof given === 'string' && showShortText(given, nameLengthMax) === given;
  if (!isProper || /[\n\t]/.test(given)) {
    throw malformed(`has a ${what} that is no short text without hidden characters`);
  }
  return given;
}

const lengthsMax = {
  title: titleLengthMax,
  description: descriptionLengthMax,
  default: descriptionLengthMax,
} as const;

function textOf(given: JsonObject, name: keyof typeof lengthsMax): JsonObject {
  const text = given[name];
  return typeof text === 'string' ? { [name]: showShortText(text, lengthsMax[name]) } : {};
}

const formats: ReadonlySet<Json> = new Set(['email', 'uri', 'date', 'date-time']);
const isBoolean = (value: Json): boolean => typeof value === 'boolean';
const isCount = (value: Json): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

/** What a form can do without is left out where it is not as it should be. */
function pick(
  given: JsonObject,
  names: readonly string[],
  isFit: (value: Json) => boolean,
): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return value !== undefined && isFit(value) ? [[name, value]] : [];
    }),
  );
}

function malformed(what: string): HostError {
  return new HostError('mcp_protocol_error', what);
}
