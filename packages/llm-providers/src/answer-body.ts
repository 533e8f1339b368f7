import { isJsonObject } from '@modelhost/kernel';
import type { HostError, ModelEvent } from '@modelhost/kernel';

import type { AnswerReader } from './answer-reader.ts';
import type { ProviderBounds } from './bounds.ts';
import { collectBody } from './collected-body.ts';
import { parseJson } from './json-fields.ts';
import type { ProviderErrors } from './provider-errors.ts';
import type { HeaderReader } from './retry-advice.ts';
import { createSseReader } from './sse.ts';

/** Follows the decoded body of one answer. What it throws means that the answer cannot be used. */
export interface BodyReader {
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  /** Called instead of `onEnd` where the connection broke. */
  onFailure(error: HostError): void;
}

/** What a body is read into. */
export interface BodyReaderOptions {
  readonly reader: AnswerReader;
  readonly bounds: ProviderBounds;
  readonly errors: ProviderErrors;
  readonly status: number;
  readonly header: HeaderReader;
  readonly emit: (events: readonly ModelEvent[]) => void;
  readonly fail: (error: HostError) => void;
}

// Past a complete answer there is nothing we want to read; a few bytes of framing are normal.
const lingerBytesMax = 64 * 1024;

/** Chooses by status and content type: an error, one JSON document, or a stream of events. */
export function createBodyReader(options: BodyReaderOptions): BodyReader {
  const { status, header } = options;
  if (status < 200 || status > 299) return createErrorBody(options);
  const mediaType = (header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  // Whoever asked for a stream may still get one document, as from a proxy without streaming.
  return mediaType.endsWith('json')
    ? createWholeBody(options)
    : createEventBody(options, mediaType);
}

function createErrorBody(options: BodyReaderOptions): BodyReader {
  const { status, header, bounds, errors, fail } = options;
  const collected = collectBody();
  const conclude = (): void => fail(errors.fromHttp({ status, header, body: collected.text() }));
  return {
    onBytes: (bytes) => {
      if (collected.add(bytes) >= bounds.errorBytesMax) conclude();
    },
    onEnd: conclude,
    // The status is known, and says more than the broken connection.
    onFailure: conclude,
  };
}

function createWholeBody(options: BodyReaderOptions): BodyReader {
  const { reader, errors, emit, fail } = options;
  const collected = collectBody();
  return {
    onBytes: (bytes) => {
      collected.add(bytes);
    },
    onEnd: () => {
      const json = parseJson(collected.text());
      if (!isJsonObject(json)) throw errors.invalid('the answer is not a JSON object');
      emit(reader.readWhole(json));
    },
    onFailure: fail,
  };
}

function createEventBody(options: BodyReaderOptions, mediaType: string): BodyReader {
  const { reader, bounds, errors, emit, fail } = options;
  let isDone = false;
  let isEnding = false;

  function take(events: readonly ModelEvent[]): void {
    isDone ||= events.at(-1)?.type === 'done';
    emit(events);
  }

  function onData(data: string): void {
    if (isDone) return;
    if (data === '[DONE]') return take(reader.finish('marker'));
    const event = parseJson(data);
    if (isJsonObject(event)) return take(reader.read(event));
    // What is left over at the end was cut off, which `finish` reports better.
    if (!isEnding) throw errors.invalid('an event of the answer is not a JSON object');
  }

  const events = createSseReader({ eventCharactersMax: bounds.eventCharactersMax, onData });
  return {
    onBytes: (bytes) => events.feed(bytes),
    onEnd: () => {
      isEnding = true;
      events.end();
      if (isDone) return;
      if (mediaType === 'text/html') throw errors.invalid('the answer is a web page');
      take(reader.finish('end-of-body'));
    },
    onFailure: fail,
  };
}

/** Reads what follows a complete answer, up to a bound; `stop` is called at the end in any way. */
export function createLingeringBody(options: { stop: () => void; abort: () => void }): BodyReader {
  const { stop, abort } = options;
  let bytesLeft = lingerBytesMax;
  return {
    onBytes: (bytes) => {
      bytesLeft -= bytes.length;
      if (bytesLeft >= 0) return;
      stop();
      abort();
    },
    onEnd: stop,
    onFailure: stop,
  };
}
