import { createParser } from 'eventsource-parser';

/** Cuts a byte stream into the data of its server-sent events. */
export interface SseReader {
  /** Takes the next bytes, cut anywhere; calls back for each event they complete. */
  feed(bytes: Uint8Array): void;
  /** Hands out a last event whose closing blank line is missing. */
  end(): void;
}

// Room for a field name and a line end, so that the bound on data does not depend on how bytes are cut.
const fieldRoom = 64;

/**
 * Reads the event stream format of the WHATWG HTML standard, BOM, CR, CRLF and multi-line data included.
 * `feed` and `end` throw `RangeError` once an event has more than `eventCharactersMax` UTF-16 units.
 */
export function createSseReader(options: {
  readonly eventCharactersMax: number;
  readonly onData: (data: string) => void;
}): SseReader {
  const { eventCharactersMax, onData } = options;
  const decoder = new TextDecoder();
  const tooLarge = (): RangeError =>
    new RangeError(`an event is larger than ${eventCharactersMax} characters`);
  let overflow: RangeError | undefined;

  const parser = createParser({
    maxBufferSize: eventCharactersMax + fieldRoom,
    onEvent: ({ data }) => {
      if (data.length > eventCharactersMax) throw tooLarge();
      onData(data);
    },
    // Unknown fields are ignored, as the standard asks.
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') overflow = tooLarge();
    },
  });

  function feedText(text: string): void {
    parser.feed(text);
    if (overflow !== undefined) throw overflow;
  }

  return {
    feed: (bytes) => feedText(decoder.decode(bytes, { stream: true })),
    end: () => feedText(`${decoder.decode()}\n\n`),
  };
}
