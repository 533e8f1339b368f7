import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject, ToolAnswer } from '@modelhost/kernel';
import { cutAtWord, nothingHidden } from '../hiding.ts';
import type { HideText, Hiding } from '../hiding.ts';
import { cutText } from './cut-text.ts';

const labelLengthMax = 200;
/** What is beyond it cannot come to be shown. */
const labelReadMax = 16_384;

/** How an answer is made. */
export interface ToolAnswerOptions {
  readonly bytesMax: number;
  readonly spill?: (content: string) => string | undefined;
  /** What is cut, and what is kept of it, is hidden first. Absent: nothing is. */
  readonly hiding?: Pick<Hiding, 'text' | 'long'>;
  /** Whose answer it is. */
  readonly tenant?: string;
}

/**
 * What a tool answered, as text for the model: text as it is, anything else as one line that describes it. Beyond
 * `bytesMax` it is cut; `spill` keeps the whole and returns its handle, which the last line of the text then names.
 */
export async function toToolAnswer(
  result: JsonObject,
  options: ToolAnswerOptions,
): Promise<ToolAnswer> {
  const { bytesMax, spill, hiding = nothingHidden, tenant = '' } = options;
  const given = textOfResult(result, hiding.text);
  const isLong = Buffer.byteLength(given) > bytesMax;
  const whole = isLong ? await hiding.long(given, tenant) : given;
  const { text, bytes, bytesTotal } = cutText(whole, bytesMax);
  const isTruncated = bytes < bytesTotal;
  const handle = isTruncated ? spill?.(whole) : undefined;
  const content = handle === undefined ? text : withHandle(whole, { handle, bytesMax, bytesTotal });
  return { type: 'answer', content, isError: result['isError'] === true, isTruncated };
}

/** All content of a result as text: structured content only when there is no text, since it says the same. */
export function textOfResult(result: JsonObject, hide: HideText = nothingHidden.text): string {
  const content = Array.isArray(result['content']) ? result['content'] : [];
  const lines = content.map((block: Json) => describeBlock(block, hide));
  const hasText = content.some((block: Json) => isJsonObject(block) && block['type'] === 'text');
  const structured = result['structuredContent'];
  if (!hasText && structured !== undefined) lines.push(JSON.stringify(structured));
  return lines.join('\n');
}

/** The cut text and its last line, together within the bound; when that has no room for the line, the text alone. */
function withHandle(
  whole: string,
  options: { readonly handle: string; readonly bytesMax: number; readonly bytesTotal: number },
): string {
  const { handle, bytesMax, bytesTotal } = options;
  const lineOf = (bytes: number): string =>
    `\n[cut after ${bytes} of ${bytesTotal} bytes; the rest is in ${handle} from offset ${bytes}]`;
  // No cut has more digits than the whole.
  const room = bytesMax - Buffer.byteLength(lineOf(bytesTotal));
  if (room < 0) return cutText(whole, bytesMax).text;
  const { text, bytes } = cutText(whole, room);
  return text + lineOf(bytes);
}

/** One block of content: its text, or a line that tells what it is. */
function describeBlock(block: Json, hide: HideText): string {
  const type = isJsonObject(block) ? block['type'] : undefined;
  if (!isJsonObject(block) || typeof type !== 'string' || !Object.hasOwn(descriptions, type)) {
    return '[content of unknown type]';
  }
  return descriptions[type]?.(block, (text) => label(text, hide)) ?? '';
}

type Label = (text: Json | undefined) => string;

const descriptions: Readonly<Record<string, (block: JsonObject, toLabel: Label) => string>> = {
  text: ({ text }) => (typeof text === 'string' ? text : ''),
  image: describeMedia,
  audio: describeMedia,
  resource: ({ resource }, toLabel) =>
    describeResource(isJsonObject(resource) ? resource : {}, toLabel),
  resource_link: ({ uri, name }, toLabel) => `[resource link ${toLabel(uri)} ${toLabel(name)}]`,
};

function describeMedia({ type, mimeType, data }: JsonObject, toLabel: Label): string {
  return `[${toLabel(type)} ${toLabel(mimeType)}, ${bytesOfBase64(data)} bytes]`;
}

function describeResource({ uri, mimeType, text, blob }: JsonObject, toLabel: Label): string {
  const bytes = typeof text === 'string' ? Buffer.byteLength(text) : bytesOfBase64(blob);
  return `[resource ${toLabel(uri)} ${toLabel(mimeType ?? 'of unknown type')}, ${bytes} bytes]`;
}

/** Text of the server in a line of ours: without line breaks and hidden characters, cut when long. */
function label(text: Json | undefined, hide: HideText): string {
  if (typeof text !== 'string') return '';
  const shown = text.length > labelLengthMax ? hide(cutAtWord(text, labelReadMax)) : text;
  return shown.slice(0, labelLengthMax).replace(/[\p{C}\p{Z}]+/gu, ' ');
}

function bytesOfBase64(data: Json | undefined): number {
  if (typeof data !== 'string') return 0;
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return Math.floor((data.length * 3) / 4) - padding;
}
