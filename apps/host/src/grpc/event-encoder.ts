import { create } from '@bufbuild/protobuf';
import { RunResponseSchema } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/kernel';
import { toEventMessage } from './event-message.ts';
import { encode } from './service.ts';

// Tags of the wire format: field number times 8, plus 0 for a varint or 2 for something with a length.
const tagEvent = 0x0a; // RunResponse.event = 1, FollowRunResponse.event = 1
const tagSequence = 0x08; // RunEvent.sequence = 1
const tagTime = 0x12; // RunEvent.time = 2
const tagStep = 0x1a; // RunEvent.step = 3
const tagTextDelta = 0x2a; // RunEvent.text_delta = 5
const tagSeconds = 0x08; // Timestamp.seconds = 1
const tagNanos = 0x10; // Timestamp.nanos = 2
const tagText = 0x0a; // TextDelta.text = 1

/**
 * An event as the bytes of a RunResponse, which are those of a FollowRunResponse too. Text deltas are most of all events
 * and are written by hand, about ten times cheaper; a property test holds these bytes equal to those of protobuf-es.
 */
export function encodeEvent(event: RunEvent): Buffer {
  if (event.body.type === 'text-delta') return encodeTextDelta(event, event.body.text);
  return encodeByLibrary(event);
}

/** The same by protobuf-es alone. */
export function encodeByLibrary(event: RunEvent): Buffer {
  return encode(RunResponseSchema, create(RunResponseSchema, { event: toEventMessage(event) }));
}

function encodeTextDelta({ sequence, timeMs, step }: RunEvent, text: string): Buffer {
  const seconds = Math.floor(timeMs / 1_000);
  const nanos = (timeMs - seconds * 1_000) * 1_000_000;
  const timeLength =
    (seconds === 0 ? 0 : 1 + varintLength(seconds)) + (nanos === 0 ? 0 : 1 + varintLength(nanos));
  const stepLength = Buffer.byteLength(step);
  const textLength = Buffer.byteLength(text);
  const deltaLength = textLength === 0 ? 0 : 1 + varintLength(textLength) + textLength;
  const eventLength =
    (sequence === 0 ? 0 : 1 + varintLength(sequence)) +
    1 +
    varintLength(timeLength) +
    timeLength +
    (stepLength === 0 ? 0 : 1 + varintLength(stepLength) + stepLength) +
    1 +
    varintLength(deltaLength) +
    deltaLength;
  const bytes = Buffer.allocUnsafe(1 + varintLength(eventLength) + eventLength);

  let at = writeVarint(bytes, writeTag(bytes, 0, tagEvent), eventLength);
  if (sequence !== 0) at = writeVarint(bytes, writeTag(bytes, at, tagSequence), sequence);
  at = writeVarint(bytes, writeTag(bytes, at, tagTime), timeLength);
  if (seconds !== 0) at = writeVarint(bytes, writeTag(bytes, at, tagSeconds), seconds);
  if (nanos !== 0) at = writeVarint(bytes, writeTag(bytes, at, tagNanos), nanos);
  if (stepLength !== 0) {
    at = writeVarint(bytes, writeTag(bytes, at, tagStep), stepLength);
    at += bytes.write(step, at, 'utf8');
  }
  at = writeVarint(bytes, writeTag(bytes, at, tagTextDelta), deltaLength);
  if (textLength !== 0) {
    at = writeVarint(bytes, writeTag(bytes, at, tagText), textLength);
    bytes.write(text, at, 'utf8');
  }
  return bytes;
}

function writeTag(bytes: Buffer, at: number, tag: number): number {
  bytes[at] = tag;
  return at + 1;
}

/** Writes a whole number from 0 to 2^53 - 1; gives the position after it. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    bytes[at] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}
