import type { AnswerRecord } from './answer-record.ts';

/** A place in the lines of a text. */
interface Reader {
  readonly lines: readonly string[];
  at: number;
}

/** Leaves the recursion; it is caught below and never seen outside this file. */
class NotPlain extends Error {
  override readonly name = 'NotPlain';
}

/**
 * Records of a text in the block style that YAML writers use for data: a list of mappings or of plain values, or one mapping.
 * Nested values are skipped by their indentation. Undefined for anything else, such as anchors, tags, flow style, a key that
 * stands twice, or text that goes on where a value should have ended.
 */
export function readYamlRecords(text: string): readonly AnswerRecord[] | undefined {
  const reader: Reader = { lines: text.trimEnd().split('\n'), at: 0 };
  try {
    return reader.lines[0]?.startsWith('- ') === true
      ? readList(reader)
      : [readMapping(reader, 0, undefined)];
  } catch (thrown) {
    if (thrown instanceof NotPlain) return undefined;
    throw thrown;
  }
}

function readList(reader: Reader): readonly AnswerRecord[] {
  const records: AnswerRecord[] = [];
  while (reader.at < reader.lines.length) {
    const line = reader.lines[reader.at] ?? '';
    if (!line.startsWith('- ')) throw new NotPlain();
    const rest = line.slice(2);
    if (keyed.test(rest)) {
      records.push(readMapping(reader, 2, rest));
    } else {
      const item = readScalar(reader, 0, rest);
      records.push(item === undefined ? new Map() : new Map([['*', item]]));
    }
  }
  return records;
}

const keyed = /^(?<key>[\p{L}_][\p{L}\p{N}_.@+-]*):(?: (?<value>.*))?$/u;

/** Reads the mapping whose keys stand at `indent`; the text of its first line is given when something stands before it. */
function readMapping(reader: Reader, indent: number, first: string | undefined): AnswerRecord {
  const members = new Map<string, string>();
  const keys = new Set<string>();
  let line = first ?? reader.lines[reader.at] ?? '';
  for (;;) {
    const { key, value } = keyed.exec(line)?.groups ?? {};
    if (key === undefined || keys.has(key)) throw new NotPlain();
    keys.add(key);
    if (value === undefined || value === '') skipNested(reader, indent);
    else {
      const scalar = readScalar(reader, indent, value);
      if (scalar !== undefined) members.set(key, scalar);
    }
    const next = reader.lines[reader.at];
    if (next === undefined || (first !== undefined && next.startsWith('- '))) return members;
    if (indentOf(next) !== indent) throw new NotPlain();
    line = next.slice(indent);
  }
}

/** Goes past a nested list or mapping, which is indented more than its key; a list may stand right below the key. */
function skipNested(reader: Reader, indent: number): void {
  reader.at += 1;
  for (; reader.at < reader.lines.length; reader.at += 1) {
    const line = reader.lines[reader.at] ?? '';
    const depth = indentOf(line);
    const isItem = depth === indent && line.startsWith('- ', indent) && indent > 0;
    if (line !== '' && depth <= indent && !isItem && !isTopItem(line, indent)) return;
  }
}

function isTopItem(line: string, indent: number): boolean {
  return indent === 0 && line.startsWith('- ');
}

/** Reads the value that begins with `start` on the line at hand, and goes past it; undefined for an empty list or mapping. */
function readScalar(reader: Reader, indent: number, start: string): string | undefined {
  const quote = start[0] ?? '';
  if (quote === "'" || quote === '"') return readQuoted(reader, indent, start, quote);
  reader.at += 1;
  if (start === '[]' || start === '{}') return undefined;
  const parts = [start];
  for (; reader.at < reader.lines.length; reader.at += 1) {
    const line = reader.lines[reader.at] ?? '';
    if (indentOf(line) <= indent) break;
    parts.push(line.trim());
  }
  if (/^[[\]{},&*!|>%@`#?]|^-(?: |$)/.test(start)) throw new NotPlain();
  // A writer puts quotes around a value that holds what a reader could take for a key or a comment.
  if (parts.some((part) => /: |:$| #/.test(part))) throw new NotPlain();
  return parts.join(' ');
}

function readQuoted(
  reader: Reader,
  indent: number,
  start: string,
  quote: "'" | '"',
): string | undefined {
  const parts: string[] = [];
  let line = start.slice(1);
  for (;;) {
    const end = endOfQuoted(line, quote);
    reader.at += 1;
    if (end >= 0) {
      if (line.slice(end + 1).trim() !== '') throw new NotPlain();
      parts.push(line.slice(0, end));
      break;
    }
    parts.push(line);
    const next = reader.lines[reader.at];
    if (next === undefined || (next !== '' && indentOf(next) <= indent)) throw new NotPlain();
    line = next.trim();
  }
  const text = parts.join(' ');
  // Escapes other than that of the quote itself are of no use to a name or an id, so such a value is left out.
  if (quote === "'") return text.replaceAll("''", "'");
  return text.includes('\\') ? undefined : text;
}

/** Where the quoted value ends in the line, or -1. */
function endOfQuoted(line: string, quote: "'" | '"'): number {
  for (let at = 0; at < line.length; at += 1) {
    if (quote === '"' && line[at] === '\\') at += 1;
    else if (line[at] === quote) {
      if (quote === '"' || line[at + 1] !== "'") return at;
      at += 1;
    }
  }
  return -1;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
