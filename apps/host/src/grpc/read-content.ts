import { Role } from '@modelhost/contracts';
import type { ContentPart as PartMessage, Message as MessageMessage } from '@modelhost/contracts';
import type { ContentPart, Message, ToolCall } from '@modelhost/kernel';
import type { FieldReader } from './field-reader.ts';

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

/** One message of the conversation before the run. */
export function readMessage(
  reader: FieldReader,
  field: string,
  message: MessageMessage,
): readonly Message[] {
  const { role, content, toolCalls, toolCallId } = message;
  const parts = readParts(reader, `${field}.content`, content, 0);
  if (role !== Role.ASSISTANT && toolCalls.length > 0) {
    reader.refuse(`${field}.tool_calls`, 'belongs to messages of ROLE_ASSISTANT only');
  }
  if (role === Role.USER) return [{ role: 'user', content: parts }];
  const text = readOnlyText(reader, `${field}.content`, parts);
  switch (role) {
    case Role.SYSTEM:
      return [{ role: 'system', content: text }];
    case Role.ASSISTANT:
      return [
        {
          role: 'assistant',
          content: text,
          toolCalls: reader
            .list(`${field}.tool_calls`, toolCalls, { min: 0, max: partsMax })
            .map((call, index) => readCall(reader, `${field}.tool_calls[${index}]`, call)),
        },
      ];
    case Role.TOOL:
      reader.text(`${field}.tool_call_id`, toolCallId, { min: 1, max: 128 });
      return [{ role: 'tool', toolCallId, toolName: '', content: text, isError: false }];
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

function readCall(
  reader: FieldReader,
  field: string,
  call: { readonly id: string; readonly name: string; readonly argumentsJson: string },
): ToolCall {
  const { id, name, argumentsJson } = call;
  reader.text(`${field}.id`, id, { min: 1, max: 128 });
  reader.text(`${field}.name`, name, { min: 1, max: 64 });
  reader.bytes(`${field}.arguments_json`, argumentsJson, argumentsBytesMax);
  return { id, name, arguments: argumentsJson };
}
