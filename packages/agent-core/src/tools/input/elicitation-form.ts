import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { toVisibleText } from '../../hiding/visible-text.ts';

const messageLengthMax = 2_000;
const urlLengthMax = 2_048;
const fieldsMax = 32;
const choicesMax = 200;
const titleLengthMax = 200;
const descriptionLengthMax = 1_000;

/** What a server wants to know of a person, cleaned and bounded. */
export interface Elicitation {
  readonly message: string;
  /** Schema of the content; undefined when the person is sent to `url`. */
  readonly schema: JsonObject | undefined;
  /** Empty for a form. */
  readonly url: string;
}

/**
 * Reads the params of an `elicitation/create`. Only MCP's own form is taken: a flat object of texts, numbers, yes or no, and
 * choices. What is not part of it is left out where it says nothing, and throws `mcp_protocol_error` where it asks for more.
 */
export function readElicitation(params: JsonObject): Elicitation {
  const { mode = 'form', message, requestedSchema, url } = params;
  if (typeof message !== 'string') throw malformed('has no message');
  const shown = toVisibleText(message, messageLengthMax);
  if (mode === 'form') return { message: shown, schema: readForm(requestedSchema), url: '' };
  if (mode === 'url') return { message: shown, schema: undefined, url: readUrl(url) };
  throw malformed('is neither a form nor a URL');
}

/** An address that a person may be sent to: https, or plain http on this machine; nothing in it that hides where it leads. */
function readUrl(given: Json | undefined): string {
  if (typeof given !== 'string' || given.length > urlLengthMax) throw malformed('has no URL');
  const url = URL.parse(given);
  const isLocal =
    url?.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !isLocal)) throw malformed('has no https URL');
  if (url.username !== '' || url.password !== '') throw malformed('has a URL with credentials');
  // As the parser wrote it: what is invisible is encoded by now, and a host of other scripts shows as punycode.
  return url.href;
}

function readForm(given: Json | undefined): JsonObject {
  if (!isJsonObject(given) || given['type'] !== 'object' || !isJsonObject(given['properties'])) {
    throw malformed('has no flat schema');
  }
  const fields = Object.entries(given['properties']);
  if (fields.length > fieldsMax) throw malformed(`has more than ${fieldsMax} fields`);
  const { required } = given;
  const names = new Set(fields.map(([name]) => name));
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([name, field]) => [readName(name), readField(field)]),
    ),
    required: Array.isArray(required)
      ? [...new Set(required)].filter((name: Json) => typeof name === 'string' && names.has(name))
      : [],
    additionalProperties: false,
  };
}

function readName(name: string): string {
  if (!isProper(name)) {
    throw malformed('has a field without a proper name');
  }
  return name;
}

function readField(given: Json): JsonObject {
  if (!isJsonObject(given)) throw malformed('has a field without a schema');
  const shown = {
    ...textOf(given, 'title', titleLengthMax),
    ...textOf(given, 'description', descriptionLengthMax),
  };
  const { type } = given;
  switch (typeof type === 'string' ? type : '') {
    case 'string':
      return { type: 'string', ...shown, ...readText(given) };
    case 'number':
    case 'integer':
      return {
        type: type ?? null,
        ...shown,
        ...pick(given, ['minimum', 'maximum', 'default'], isNumber),
      };
    case 'boolean':
      return { type: 'boolean', ...shown, ...pick(given, ['default'], isBoolean) };
    case 'array':
      return { type: 'array', ...shown, ...readChoices(given) };
  }
  throw malformed('has a field that is no text, number, boolean or choice');
}

function readText(given: JsonObject): JsonObject {
  const preset =
    typeof given['default'] === 'string' ? textOf(given, 'default', descriptionLengthMax) : {};
  if (given['enum'] !== undefined || given['oneOf'] !== undefined) {
    return { ...readOptions(given, 'oneOf'), ...preset };
  }
  return {
    ...pick(given, ['minLength', 'maxLength'], isCount),
    ...pick(given, ['format'], (value) => formats.has(value)),
    ...preset,
  };
}

/** Several of a list of choices. */
function readChoices(given: JsonObject): JsonObject {
  const { items } = given;
  if (!isJsonObject(items)) throw malformed('has a list without choices');
  const preset = given['default'];
  return {
    items: { type: 'string', ...readOptions(items, 'anyOf') },
    ...pick(given, ['minItems', 'maxItems'], isCount),
    ...(Array.isArray(preset) && preset.length <= choicesMax
      ? { default: preset.map((value: Json) => readOption(value)) }
      : {}),
  };
}

/** Choices as `enum`, with names beside them or not, or as a list of constants with titles. */
function readOptions(given: JsonObject, titled: 'oneOf' | 'anyOf'): JsonObject {
  const plain = given['enum'];
  if (Array.isArray(plain)) {
    const names = given['enumNames'];
    return {
      enum: bounded(plain).map((value) => readOption(value)),
      ...(Array.isArray(names)
        ? { enumNames: bounded(names).map((name) => readOption(name)) }
        : {}),
    };
  }
  const listed = given[titled];
  if (!Array.isArray(listed)) throw malformed('has a list without choices');
  return {
    [titled]: bounded(listed).map((option) => {
      if (!isJsonObject(option)) throw malformed('has a choice without a value');
      return {
        const: readOption(option['const'] ?? null),
        ...textOf(option, 'title', titleLengthMax),
      };
    }),
  };
}

function bounded(list: readonly Json[]): readonly Json[] {
  if (list.length === 0 || list.length > choicesMax) {
    throw malformed(`has no choices, or more than ${choicesMax}`);
  }
  return list;
}

/** A choice is shown as it is, so it must be as it shows. */
function readOption(given: Json): string {
  if (typeof given !== 'string' || !isProper(given)) {
    throw malformed('has a choice that is no proper text');
  }
  return given;
}

/** Whether a short text on one line shows as what it is. */
function isProper(text: string): boolean {
  return /^[^\n\t]+$/.test(text) && toVisibleText(text, titleLengthMax) === text;
}

const formats: ReadonlySet<Json> = new Set(['email', 'uri', 'date', 'date-time']);
const isNumber = (value: Json): boolean => typeof value === 'number';
const isBoolean = (value: Json): boolean => typeof value === 'boolean';
const isCount = (value: Json): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function textOf(given: JsonObject, name: string, lengthMax: number): JsonObject {
  const text = given[name];
  return typeof text === 'string' ? { [name]: toVisibleText(text, lengthMax) } : {};
}

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
  return new HostError('mcp_protocol_error', `the request for input ${what}`);
}
