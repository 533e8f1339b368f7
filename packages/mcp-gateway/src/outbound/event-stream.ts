import { HostError } from '@modelhost/kernel';

/** One event of a `text/event-stream`, also one that carries nothing but an id or a time. */
export interface StreamEvent {
  /** `message` unless the server names it. */
  readonly event: string;
  /** Lines joined by line feeds; empty when the event has none. */
  readonly data: string;
  readonly id: string | undefined;
  /** How long to wait before the stream is taken up again. */
  readonly retryMs: number | undefined;
}

/** Whose stream it is, and how long one event of it may be. */
export interface EventBounds {
  readonly server: string;
  readonly messageBytesMax: number;
}

/** The events of a stream, however it is cut into chunks. An event that was not finished is dropped, as the standard has it. */
export async function* parseEvents(
  chunks: AsyncIterable<Uint8Array>,
  bounds: EventBounds,
): AsyncGenerator<StreamEvent, void> {
  const parser = createEventParser(bounds);
  for await (const chunk of chunks) yield* parser.push(chunk);
}

interface EventParser {
  push(chunk: Uint8Array): readonly StreamEvent[];
}

interface OpenEvent {
  event: string;
  data: string[];
  id: string | undefined;
  retryMs: number | undefined;
  bytes: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

function createEventParser({ server, messageBytesMax }: EventBounds): EventParser {
  /** The line that is not finished. */
  let pieces: Buffer[] = [];
  let lineBytes = 0;
  let isAfterCarriageReturn = false;
  let isFirstLine = true;
  let open = emptyEvent();

  function keep(piece: Buffer): void {
    if (piece.length === 0) return;
    lineBytes += piece.length;
    if (open.bytes + lineBytes > messageBytesMax) {
      const message = `${server}: a message has more than ${messageBytesMax} bytes`;
      throw new HostError('mcp_result_too_large', message, { facts: { server, sent: 'true' } });
    }
    pieces.push(piece);
  }

  function takeLine(): string {
    const [only] = pieces;
    const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
    pieces = [];
    lineBytes = 0;
    const line = bytes.toString('utf8');
    const isMarked = isFirstLine && line.startsWith('\uFEFF');
    isFirstLine = false;
    return isMarked ? line.slice(1) : line;
  }

  function push(chunk: Uint8Array): readonly StreamEvent[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const events: StreamEvent[] = [];
    let start = 0;
    if (isAfterCarriageReturn && bytes.length > 0) {
      start = bytes[0] === lineFeed ? 1 : 0;
      isAfterCarriageReturn = false;
    }
    for (let end = lineEnd(bytes, start); end >= 0; end = lineEnd(bytes, start)) {
      keep(bytes.subarray(start, end));
      const line = takeLine();
      if (line !== '') readField(line, open);
      else if (isWorthTelling(open)) events.push(toEvent(open));
      if (line === '') open = emptyEvent();
      start = end + 1;
      if (bytes[end] !== carriageReturn) continue;
      if (start === bytes.length) isAfterCarriageReturn = true;
      else if (bytes[start] === lineFeed) start += 1;
    }
    keep(bytes.subarray(start));
    return events;
  }

  return { push };
}

function lineEnd(bytes: Buffer, start: number): number {
  const feed = bytes.indexOf(lineFeed, start);
  const line = feed < 0 ? bytes : bytes.subarray(0, feed);
  const carriage = line.indexOf(carriageReturn, start);
  return carriage < 0 ? feed : carriage;
}

function emptyEvent(): OpenEvent {
  return { event: 'message', data: [], id: undefined, retryMs: undefined, bytes: 0 };
}

function isWorthTelling({ data, id, retryMs }: OpenEvent): boolean {
  return data.length > 0 || id !== undefined || retryMs !== undefined;
}

function toEvent({ event, data, id, retryMs }: OpenEvent): StreamEvent {
  return { event, data: data.join('\n'), id, retryMs };
}

/** One line into the event that is open; comments and fields that nobody knows say nothing. */
function readField(line: string, open: OpenEvent): void {
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  const rest = colon < 0 ? '' : line.slice(colon + 1);
  const value = rest.startsWith(' ') ? rest.slice(1) : rest;
  if (name === 'data') {
    open.data.push(value);
    open.bytes += Buffer.byteLength(value) + 1;
  } else if (name === 'event') {
    open.event = value === '' ? 'message' : value;
  } else if (name === 'id' && !value.includes('\0')) {
    open.id = value;
  } else if (name === 'retry' && /^\d{1,9}$/.test(value)) {
    open.retryMs = Number(value);
  }
}
