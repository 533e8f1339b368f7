import type { ServerResponse } from 'node:http';
import type { Clock, JsonObject } from '@modelhost/kernel';
import type { EventStream } from './event-stream.ts';
import { sendEmpty, sendJson } from './http-answers.ts';
import type { AnswerHeaders } from './http-answers.ts';
import type { LegacyChannel } from './legacy-session.ts';

/** What the answer to one posted request needs. */
export interface PostChannelOptions {
  readonly response: ServerResponse;
  readonly clock: Clock;
  /** An answer that takes longer comes as a stream, which outlives its connection. */
  readonly streamAfterMs: number;
  readonly headers: () => AnswerHeaders;
  readonly openStream: () => EventStream;
  /** The client left before anything was written, so nothing could ever reach it. */
  readonly onLost: () => void;
}

/** Answers with JSON when the answer is all there is, and with a stream as soon as anything comes before it. */
export function createPostChannel(options: PostChannelOptions): LegacyChannel {
  const { response, headers } = options;
  let stream: EventStream | undefined;
  let isAnswered = false;

  function open(): EventStream {
    if (stream === undefined) {
      stopTimer();
      stream = options.openStream();
      stream.attach(response);
    }
    return stream;
  }

  const stopTimer = options.clock.setTimer(options.streamAfterMs, () => {
    if (!isAnswered) open();
  });
  response.once('close', () => {
    if (stream !== undefined || isAnswered) return;
    isAnswered = true;
    stopTimer();
    options.onLost();
  });

  return {
    send: (message: JsonObject) => {
      if (stream !== undefined) return stream.send(message);
      if (isAnswered) return;
      if (message['method'] !== undefined) return open().send(message);
      isAnswered = true;
      stopTimer();
      sendJson(response, 200, message, headers());
    },
    end: () => {
      stopTimer();
      if (stream !== undefined) return stream.end();
      if (!isAnswered) sendEmpty(response, 202);
      isAnswered = true;
    },
  };
}
