import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { hasHidden, showText } from '@modelhost/shown-text';
import type { RelayedMethod } from '../relay.ts';
import { withItems } from './with-items.ts';

const depthMax = 64;
/** Encoded bytes, which nobody reads. */
const encoded: ReadonlySet<string> = new Set(['data', 'blob']);

/**
 * JSON of a server with every text in it shown, but for encoded bytes. Throws `mcp_protocol_error` where the name of a
 * member has hidden characters, since it would become another name, and where it is nested too deeply.
 */
export function showJson(value: JsonObject): JsonObject {
  return showMembers(value, 0);
}

function showMembers(value: JsonObject, depth: number): JsonObject {
  if (depth > depthMax) throw malformed(`is nested deeper than ${depthMax}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (hasHidden(name)) throw malformed('has a member with hidden characters in its name');
      const isText = !encoded.has(name) || typeof member !== 'string';
      return [name, isText ? showValue(member, depth + 1) : member];
    }),
  );
}

function showValue(value: Json, depth: number): Json {
  if (typeof value === 'string') return showText(value);
  if (isJsonObject(value)) return showMembers(value, depth);
  if (!Array.isArray(value)) return value;
  if (depth > depthMax) throw malformed(`is nested deeper than ${depthMax}`);
  return value.map((item: Json) => showValue(item, depth + 1));
}

/** The same as `showJson`, but undefined for what cannot be shown. */
export function showJsonOrNothing(value: JsonObject): JsonObject | undefined {
  try {
    return showJson(value);
  } catch (thrown) {
    if (thrown instanceof HostError) return undefined;
    throw thrown;
  }
}

/**
 * A result with the texts shown that a person or a model reads. Structured content stays as it is: it is data, and its
 * schema may say how it looks. The same object when nothing changed, which it nearly always is.
 */
export function showResultTexts(method: RelayedMethod, result: JsonObject): JsonObject {
  switch (method) {
    case 'tools/call':
      return withItems(result, 'content', showBlock);
    case 'resources/read':
      return withItems(result, 'contents', (contents) => withTexts(contents, ['text']));
    case 'prompts/get':
      return withItems(withTexts(result, ['description']), 'messages', showMessage);
    case 'completion/complete':
      return showCompletion(result);
  }
}

/** An object with these texts of it shown; the same object when none changed. */
export function withTexts(holder: JsonObject, names: readonly string[]): JsonObject {
  let changed: Record<string, Json> | undefined;
  for (const name of names) {
    const text = holder[name];
    if (typeof text !== 'string') continue;
    const shown = showText(text);
    if (shown === text) continue;
    changed ??= { ...holder };
    changed[name] = shown;
  }
  return changed ?? holder;
}

const blockTexts = ['text', 'name', 'title', 'description'];

function showBlock(block: JsonObject): JsonObject {
  const shown = withTexts(block, blockTexts);
  const { resource } = shown;
  if (!isJsonObject(resource)) return shown;
  const inner = withTexts(resource, ['text']);
  return inner === resource ? shown : { ...shown, resource: inner };
}

function showMessage(message: JsonObject): JsonObject {
  const { content } = message;
  if (!isJsonObject(content)) return withItems(message, 'content', showBlock);
  const shown = showBlock(content);
  return shown === content ? message : { ...message, content: shown };
}

function showCompletion(result: JsonObject): JsonObject {
  const { completion } = result;
  const values = isJsonObject(completion) ? completion['values'] : undefined;
  if (!isJsonObject(completion) || !Array.isArray(values)) return result;
  return { ...result, completion: { ...completion, values: showValue(values, 0) } };
}

function malformed(what: string): HostError {
  return new HostError('mcp_protocol_error', what);
}
