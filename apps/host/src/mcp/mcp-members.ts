import type { AnswerChange } from '@modelhost/agent-core';
import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome } from '@modelhost/mcp-gateway';

type Part = Extract<ExchangeOutcome, { kind: 'complete' }>['part'];

/** How the text at an index of a list is changed. */
type TextAt = (text: string, index: number) => string;

/** Bytes as MCP writes them: whoever hides anything in them has encoded it. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Of the gateway's own making: whoever cannot read it cannot read on. */
const keptResult = /^result:\/\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\?offset=\d{1,12})?$/;

/**
 * A result of MCP, or the params of what a server asks, with everything changed but what its reader needs to understand it. What
 * that is follows from where it stands: a member that only has the name of one is changed, with keys and numbers. One text may be
 * `part` of a longer one.
 */
export function mapMembers(object: JsonObject, change: AnswerChange, part?: Part): JsonObject {
  const textAt: TextAt = (text, index) =>
    part?.index === index ? change.piece({ ...part, text }) : change.text(text);
  const { content, contents, messages, isError, structuredContent, _meta: meta, ...rest } = object;
  return {
    ...mapJsonObject(rest, change),
    ...given('content', content, (value) => mapContent(value, change, textAt)),
    ...given('contents', contents, (value) =>
      mapList(value, change, (item, index) =>
        mapResource(item, change, (text) => textAt(text, index)),
      ),
    ),
    ...given('messages', messages, (value) =>
      mapList(value, change, (message) => mapMessage(message, change)),
    ),
    ...given('isError', isError, (value) => mapFlag(value, change)),
    ...given('structuredContent', structuredContent, change.json),
    ...given('_meta', meta, change.json),
  };
}

/** An object of which nothing is known. */
export function mapJsonObject(
  object: JsonObject,
  { json }: Pick<AnswerChange, 'json'>,
): JsonObject {
  // Most of what is known leaves nothing else.
  if (Object.keys(object).length === 0) return object;
  const changed = json(object);
  return isJsonObject(changed) ? changed : {};
}

function mapFlag(value: Json, { json }: AnswerChange): Json {
  return typeof value === 'boolean' ? value : json(value);
}

function mapMessage(message: JsonObject, change: AnswerChange): JsonObject {
  const { role, content, ...rest } = message;
  return {
    ...mapJsonObject(rest, change),
    ...given('role', role, (value) => mapName(value, roles, change)),
    ...given('content', content, (value) => mapContent(value, change, change.text)),
  };
}

/** A list of blocks, or one of them. */
function mapContent(content: Json, change: AnswerChange, textAt: TextAt): Json {
  if (isJsonObject(content)) return mapBlock(content, change, (text) => textAt(text, 0));
  return mapList(content, change, (block, index) =>
    mapBlock(block, change, (text) => textAt(text, index)),
  );
}

const roles: ReadonlySet<Json> = new Set(['user', 'assistant']);
const types: ReadonlySet<Json> = new Set([
  'text',
  'image',
  'audio',
  'resource',
  'resource_link',
  'tool_use',
  'tool_result',
]);

/** A block of content. What the protocol does not know is a value like any other. */
function mapBlock(block: JsonObject, change: AnswerChange, text: AnswerChange['text']): JsonObject {
  const { type, ...members } = block;
  const isKnown = typeof type === 'string' && Object.hasOwn(blocks, type);
  const map = isKnown ? blocks[type] : undefined;
  return {
    ...(map ?? mapJsonObject)(members, change, text),
    ...given('type', type, (value) => mapName(value, types, change)),
  };
}

/** Blocks of which one member is no value like any other. */
const blocks: Readonly<Record<string, typeof mapResource>> = {
  text: mapResource,
  resource_link: mapResource,
  image: mapMedia,
  audio: mapMedia,
  resource: ({ resource, ...rest }, change, text) => ({
    ...mapJsonObject(rest, change),
    ...given('resource', resource, (value) =>
      isJsonObject(value) ? mapResource(value, change, text) : change.json(value),
    ),
  }),
  tool_result: ({ content, ...rest }, change) => ({
    ...mapJsonObject(rest, change),
    ...given('content', content, (value) => mapContent(value, change, change.text)),
  }),
};

function mapMedia({ data, ...rest }: JsonObject, change: AnswerChange): JsonObject {
  return {
    ...mapJsonObject(rest, change),
    ...given('data', data, (value) => mapBytes(value, change)),
  };
}

/** Text or bytes, and where they are from. */
function mapResource(
  resource: JsonObject,
  change: AnswerChange,
  changeText: AnswerChange['text'],
): JsonObject {
  const { uri, text, blob, ...rest } = resource;
  return {
    ...mapJsonObject(rest, change),
    ...given('uri', uri, (value) => mapAddress(value, change)),
    ...given('text', text, (value) =>
      typeof value === 'string' ? changeText(value) : change.json(value),
    ),
    ...given('blob', blob, (value) => mapBytes(value, change)),
  };
}

function mapAddress(uri: Json, { hide, json }: AnswerChange): Json {
  if (typeof uri !== 'string') return json(uri);
  return keptResult.test(uri) ? uri : hide(uri);
}

function mapBytes(bytes: Json, { json }: AnswerChange): Json {
  return typeof bytes === 'string' && base64.test(bytes) ? bytes : json(bytes);
}

function mapName(name: Json, known: ReadonlySet<Json>, { json }: AnswerChange): Json {
  return known.has(name) ? name : json(name);
}

function mapList(
  list: Json,
  { json }: AnswerChange,
  mapItem: (item: JsonObject, index: number) => JsonObject,
): Json {
  if (!Array.isArray(list)) return json(list);
  return list.map((item: Json, index) => (isJsonObject(item) ? mapItem(item, index) : json(item)));
}

/** The member with its value changed, if there is one. */
function given(
  name: string,
  value: Json | undefined,
  change: (value: Json) => Json,
): JsonObject | undefined {
  return value === undefined ? undefined : { [name]: change(value) };
}
