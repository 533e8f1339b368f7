import { isJsonObject } from '@modelhost/kernel';
import type { ContentPart, JsonObject, Message } from '@modelhost/kernel';

import { parseJson } from './json-fields.ts';

/** A file that comes by reference. */
export type FilePart = Extract<ContentPart, { readonly type: 'file' }>;

type ImagePart = Extract<ContentPart, { readonly type: 'image' }>;

/** Bytes inside a `data:` URI, or undefined where the URI points elsewhere or holds no base64. */
export function readDataUri(uri: string): { mediaType: string; base64: string } | undefined {
  const found = /^data:([^;,]*)(?:;[^;,]*)*;base64,/iu.exec(uri);
  if (found === null) return undefined;
  return { mediaType: found[1] ?? '', base64: uri.slice(found[0].length) };
}

/** Where an image is; one that comes in the request is its own `data:` URI. */
export function toImageUri({ mediaType, source }: ImagePart): string {
  return 'uri' in source ? source.uri : `data:${mediaType};base64,${source.base64}`;
}

/** How a model hears of a file that its API cannot take: it may still open it with a tool. */
export function describeFile({ name, mediaType, uri }: FilePart): string {
  return uri.startsWith('data:')
    ? `[file ${name}, ${mediaType}: not readable by this model]`
    : `[file ${name}, ${mediaType}: ${uri}]`;
}

/** The system messages as one text, or undefined without any. */
export function joinSystemTexts(messages: readonly Message[]): string | undefined {
  const texts = messages
    .filter((message) => message.role === 'system')
    .map(({ content }) => content);
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

/** Arguments for an API that wants an object: what the model wrote wrongly is shown to it as a text. */
export function readArguments(text: string): JsonObject {
  const value = text === '' ? {} : parseJson(text);
  return isJsonObject(value) ? value : { invalid_arguments: text };
}

/** The same as JSON text; what is valid stays as the model wrote it. */
export function readArgumentsText(text: string): string {
  return isJsonObject(parseJson(text)) ? text : JSON.stringify(readArguments(text));
}

/** Joins neighbours of the same role, since parallel results must arrive together, and drops empty turns. */
export function joinTurns<Part>(
  turns: readonly { readonly role: string; readonly parts: readonly Part[] }[],
): { role: string; parts: Part[] }[] {
  const joined: { role: string; parts: Part[] }[] = [];
  for (const { role, parts } of turns) {
    const last = joined.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else if (parts.length > 0) joined.push({ role, parts: [...parts] });
  }
  return joined;
}
