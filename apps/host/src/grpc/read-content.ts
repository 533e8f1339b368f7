import { Role } from '@modelhost/contracts';
import type { ContentPart as PartMessage, Message as MessageMessage } from '@modelhost/contracts';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { ContentPart, Message, ToolCall } from '@modelhost/kernel';
import type { FieldReader } from './field-reader.ts';

const messagesMax = 1_000;
const partsMax = 64;
const textBytesMax = 1_048_576;
const imageBytesMax = 3 * 1_048_576;
const uriLengthMax = 2_048;
const argumentsBytesMax = 256 * 1_024;

/** Parts of a message of the user; what is wrong goes to the reader. */
export function readParts(
  reader: FieldReader,
  field: string,
  parts: readonly PartMessage[],
  min: number,
): readonly ContentPart[] {
  return reader
    .list(field, parts, { min, max: partsMax })
    .flatMap(({ part }, index) => readPart(reader, `${field}[${index}]`, part));
}

/** Reads the conversation before the run: the result of a call gets the name of its tool from the call. */
export function readHistory(
  reader: FieldReader,
  field: string,
  messages: readonly MessageMessage[],
): readonly Message[] {
  const toolNames = new Map<string, string>();
  return reader
    .list(field, messages, { min: 0, max: messagesMax })
    .flatMap((message, index) => readMessage(reader, `${field}[${index}]`, message, toolNames));
}

function readMessage(
  reader: FieldReader,
  field: string,
  message: MessageMessage,
  toolNames: Map<string, string>,
): readonly Message[] {
  const { role, content, toolCalls, toolCallId } = message;
  const parts = readParts(reader, `${field}.content`, content, 0);
  if (role !== Role.ASSISTANT && toolCalls.length > 0) {
    reader.refuse(`${field}.tool_calls`, 'belongs to messages of ROLE_ASSISTANT only');
  }
  if (role !== Role.TOOL && toolCallId !== '') {
    reader.refuse(`${field}.tool_call_id`, 'belongs to messages of ROLE_TOOL only');
  }
  if (role === Role.USER) return [{ role: 'user', content: parts }];
  const text = readOnlyText(reader, `${field}.content`, parts);
  switch (role) {
    case Role.SYSTEM:
      return [{ role: 'system', content: text }];
    case Role.ASSISTANT: {
      const calls = readCalls(reader, `${field}.tool_calls`, toolCalls, toolNames);
      return [{ role: 'assistant', content: text, toolCalls: calls }];
    }
    case Role.TOOL: {
      const toolName = toolNames.get(toolCallId);
      if (toolName === undefined) {
        reader.refuse(`${field}.tool_call_id`, 'must be the id of an earlier call');
      }
      return [
        { role: 'tool', toolCallId, toolName: toolName ?? '', content: text, isError: false },
      ];
    }
    case Role.UNSPECIFIED:
      reader.refuse(`${field}.role`, 'is required');
      return [];
  }
  reader.refuse(`${field}.role`, 'is not a role of this version');
  return [];
}

function readPart(
  reader: FieldReader,
  field: string,
  part: PartMessage['part'],
): readonly ContentPart[] {
  switch (part.case) {
    case 'text': {
      const { text } = part.value;
      reader.bytes(`${field}.text.text`, text, textBytesMax);
      if (text === '') reader.refuse(`${field}.text.text`, 'must not be empty');
      return [{ type: 'text', text }];
    }
    case 'image':
      return readImage(reader, `${field}.image`, part.value);
    case 'file': {
      const { uri, mediaType, name } = part.value;
      readUri(reader, `${field}.file.uri`, uri);
      readMediaType(reader, `${field}.file.media_type`, mediaType, '');
      reader.text(`${field}.file.name`, name, { min: 0, max: 255 });
      return [{ type: 'file', uri, mediaType, name }];
    }
    case undefined:
      reader.refuse(field, 'must be a text, an image or a file');
      return [];
  }
}

type ImageMessage = Extract<PartMessage['part'], { case: 'image' }>['value'];

function readImage(
  reader: FieldReader,
  field: string,
  image: ImageMessage,
): readonly ContentPart[] {
  const { mediaType, source } = image;
  readMediaType(reader, `${field}.media_type`, mediaType, 'image/');
  switch (source.case) {
    case 'data': {
      const { length } = source.value;
      if (length === 0 || length > imageBytesMax) {
        reader.refuse(`${field}.data`, `must have 1 to ${imageBytesMax} bytes`);
        return [];
      }
      const base64 = Buffer.from(source.value).toString('base64');
      return [{ type: 'image', mediaType, source: { base64 } }];
    }
    case 'uri':
      readUri(reader, `${field}.uri`, source.value);
      return [{ type: 'image', mediaType, source: { uri: source.value } }];
    case undefined:
      reader.refuse(field, 'needs its data or a uri');
      return [];
  }
}

function readUri(reader: FieldReader, field: string, uri: string): void {
  const isFine = uri.length <= uriLengthMax && URL.canParse(uri) && uri.startsWith('https://');
  if (!isFine) reader.refuse(field, `must be an https URL of at most ${uriLengthMax} characters`);
}

function readMediaType(
  reader: FieldReader,
  field: string,
  mediaType: string,
  prefix: string,
): void {
  const isFine = /^[a-z]+\/[a-z0-9.+-]{1,100}$/i.test(mediaType) && mediaType.startsWith(prefix);
  if (!isFine)
    reader.refuse(
      field,
      `must be a media type such as ${prefix === '' ? 'application/pdf' : 'image/png'}`,
    );
}

function readOnlyText(reader: FieldReader, field: string, parts: readonly ContentPart[]): string {
  return parts
    .map((part, index) => {
      if (part.type === 'text') return part.text;
      reader.refuse(`${field}[${index}]`, 'must be text; images and files belong to ROLE_USER');
      return '';
    })
    .join('\n');
}

function readCalls(
  reader: FieldReader,
  field: string,
  calls: MessageMessage['toolCalls'],
  toolNames: Map<string, string>,
): readonly ToolCall[] {
  return reader.list(field, calls, { min: 0, max: partsMax }).map((call, index) => {
    const { id, name, argumentsJson } = call;
    const at = `${field}[${index}]`;
    reader.text(`${at}.id`, id, { min: 1, max: 128 });
    if (toolNames.has(id)) reader.refuse(`${at}.id`, 'is the id of an earlier call');
    toolNames.set(id, name);
    reader.text(`${at}.name`, name, { min: 1, max: 64 });
    reader.bytes(`${at}.arguments_json`, argumentsJson, argumentsBytesMax);
    // Providers are sent the arguments as an object.
    if (!isObjectText(argumentsJson)) {
      reader.refuse(`${at}.arguments_json`, 'must be the text of one JSON object');
    }
    return { id, name, arguments: argumentsJson };
  });
}

function isObjectText(text: string): boolean {
  try {
    return isJsonObject(parseJsonText(text));
  } catch {
    // No JSON at all.
    return false;
  }
}
