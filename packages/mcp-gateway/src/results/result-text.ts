import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';
import type { ToolAnswer } from '@modelhost/kernel';

const labelLengthMax = 200;

/** What a tool answered, as text for the model: text as it is, anything else as one line that describes it. */
export function toToolAnswer(result: CallToolResult, bytesMax: number): ToolAnswer {
  const { content, isTruncated } = cutText(toText(result), bytesMax);
  return { content, isError: result.isError === true, isTruncated };
}

function toText(result: CallToolResult): string {
  const lines = result.content.map(describe);
  const hasText = result.content.some((block) => block.type === 'text');
  if (!hasText && result.structuredContent !== undefined) {
    lines.push(JSON.stringify(result.structuredContent));
  }
  return lines.join('\n');
}

function describe(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return `[${block.type} ${label(block.mimeType)}, ${bytesOfBase64(block.data)} bytes]`;
    case 'resource': {
      const { resource } = block;
      const bytes =
        'text' in resource ? Buffer.byteLength(resource.text) : bytesOfBase64(resource.blob);
      return `[resource ${label(resource.uri)} ${label(resource.mimeType ?? 'of unknown type')}, ${bytes} bytes]`;
    }
    case 'resource_link':
      return `[resource link ${label(block.uri)} ${label(block.name)}]`;
  }
}

/** Text of the server in a line of ours: without line breaks, cut when long. */
function label(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').slice(0, labelLengthMax);
}

function bytesOfBase64(data: string): number {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return Math.floor((data.length * 3) / 4) - padding;
}

function cutText(
  text: string,
  bytesMax: number,
): { readonly content: string; readonly isTruncated: boolean } {
  const content = text.toWellFormed();
  const bytes = Buffer.from(content);
  if (bytes.length <= bytesMax) return { content, isTruncated: false };
  let end = bytesMax;
  // A byte that begins with the bits 10 continues a character: the cut goes before the character it belongs to.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return { content: bytes.toString('utf8', 0, end), isTruncated: true };
}
