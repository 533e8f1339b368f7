import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { Clock, RunEvent, RunEventBody, RunResult } from '@modelhost/kernel';
import { listSequences } from '../journal/sequences.ts';
import { eventSize } from '../event-size.ts';
import { jsonSize } from '../json-size.ts';
import { isEmptyFrame } from '../journal/frame.ts';
import type { BegunStep, Frame, Handover, KeptWait, LostEvent } from '../journal/frame.ts';

/** One write holds no more than this, or one thing that is larger, so that nothing gets too large for a store. */
const handedPerWriteMax = 16;
const handedBytesMax = 4 * 1024 * 1024;
const eventsPerWriteMax = 1_000;
const eventTextBytesMax = 1024 * 1024;

/** Something that is ready to be handed to the program. */
export interface Ready {
  readonly handover: Handover;
  /** What a body threw, for the log. */
  readonly cause?: unknown;
}

/** What goes into one write. */
export interface Batch {
  /** Undefined when the journal has nothing to learn. */
  readonly frame: Frame | undefined;
  readonly events: readonly RunEvent[];
  /** The same as JSON texts. */
  readonly eventTexts: readonly string[];
  readonly bytes: number;
  /** What may be handed over once it is written, in this order. */
  readonly handed: readonly Ready[];
}

/** What one run has to write: numbered events, what the program asked for, and what it is to be handed. */
export interface Outbox {
  /** An event of the program itself. */
  tell(step: string, body: RunEventBody): void;
  /** An event of the program that is not to be told. */
  keepSilent(): void;
  /** An event of a step's body. */
  emit(step: string, body: RunEventBody): RunEvent;
  begun(step: BegunStep): void;
  waits(wait: KeptWait): void;
  time(name: string, timeMs: number): void;
  /** A step begins again: followers are told, and what its body told before is journaled with that. */
  reset(name: string, attempt: number, lost: readonly LostEvent[]): void;
  ready(ready: Ready): void;
  /** The run ends: the last event. */
  finish(result: RunResult): void;
  /** The next of the events that were written already, by whoever had the run before. */
  recall(event: RunEvent): void;
  /** Goes on after the events that were written already, of which `lost` are of bodies that were interrupted. */
  resume(lastSequence: number, lost: readonly RunEvent[]): void;
  /** Events that are journaled, but not kept as events yet. */
  repeat(events: readonly RunEvent[]): void;
  /** Whether something waits that should be written soon: whatever but beginnings and times. */
  isUrgent(): boolean;
  hasReady(): boolean;
  take(): Batch;
}

type Pending = { -readonly [Name in keyof Frame]?: NonNullable<Frame[Name]>[number][] };

interface Weighed {
  readonly ready: Ready;
  /** In the journal. */
  readonly bytes: number;
}

interface Box {
  readonly clock: Pick<Clock, 'now'>;
  readonly hash: Hash;
  /** What bodies told whose end is not journaled, by sequence. */
  readonly untied: Map<number, RunEvent>;
  readonly events: RunEvent[];
  handed: Weighed[];
  pending: Pending;
  isUrgent: boolean;
  lastSequence: number;
  result: RunResult | undefined;
}

/** Starts empty, with sequence 1. */
export function createOutbox(clock: Pick<Clock, 'now'>): Outbox {
  const box: Box = {
    clock,
    hash: createHash('sha256'),
    untied: new Map(),
    events: [],
    handed: [],
    pending: {},
    isUrgent: false,
    lastSequence: 0,
    result: undefined,
  };
  return {
    tell: (step, body) => {
      const { sequence, timeMs } = addEvent(box, step, body);
      (box.pending.marks ??= []).push(sequence, timeMs);
    },
    keepSilent: () => {
      (box.pending.marks ??= []).push(0, 0);
    },
    emit: (step, body) => {
      const event = addEvent(box, step, body);
      box.untied.set(event.sequence, event);
      return event;
    },
    begun: (step) => {
      (box.pending.begun ??= []).push(step);
      // The body of such a step waits for this.
      box.isUrgent ||= step.isOnce;
    },
    waits: (wait) => {
      (box.pending.waits ??= []).push(wait);
      box.isUrgent = true;
    },
    time: (name, timeMs) => {
      (box.pending.times ??= []).push([name, timeMs]);
    },
    reset: (name, attempt, lost) => {
      const { sequence, timeMs } = addEvent(box, name, { type: 'step-reset', attempt });
      (box.pending.resets ??= []).push({ name, attempt, sequence, timeMs, lost });
      untie(
        box,
        lost.map((event) => event.sequence),
      );
    },
    ready: (one) => {
      box.handed.push({ ready: one, bytes: jsonSize(one.handover) ?? 0 });
      box.isUrgent = true;
    },
    finish: (ended) => {
      box.result = ended;
      box.handed = [];
      box.isUrgent = true;
    },
    recall: (event) => {
      box.hash.update(JSON.stringify(event));
    },
    resume: (sequence, lost) => {
      box.lastSequence = sequence;
      for (const event of lost) box.untied.set(event.sequence, event);
    },
    repeat: (journaled) => {
      for (const event of journaled) box.events.push(event);
      box.lastSequence = journaled.at(-1)?.sequence ?? box.lastSequence;
      box.isUrgent ||= journaled.length > 0;
    },
    isUrgent: () => box.isUrgent,
    hasReady: () => box.handed.length > 0,
    take: () => takeBatch(box),
  };
}

function addEvent(box: Box, step: string, body: RunEventBody): RunEvent {
  box.lastSequence += 1;
  const event = { sequence: box.lastSequence, timeMs: box.clock.now(), step, body };
  box.events.push(event);
  box.isUrgent = true;
  return event;
}

function untie({ untied }: Box, sequences: readonly number[]): void {
  for (const sequence of sequences) untied.delete(sequence);
}

function takeBatch(box: Box): Batch {
  const { taken, eventTexts, bytes, textBytes } = takeEvents(box.events);
  const ready = takeReady(box.handed);
  for (const { handover } of ready) {
    if (handover.kind === 'step') untie(box, listSequences(handover.sequences));
  }
  const frame: Frame = { ...box.pending, ...handoversOf(ready) };
  box.pending = {};
  for (const text of eventTexts) box.hash.update(text);
  const batch = { frame, events: taken, eventTexts, bytes, handed: ready };
  // The end may be long too.
  const isFull = taken.length > 0 && textBytes > eventTextBytesMax / 2;
  const isMore = isFull || box.events.length + box.handed.length > 0;
  box.isUrgent = isMore || box.result !== undefined;
  // The last event comes last: all before it are written, or in this very write.
  if (box.result !== undefined && !isMore) return takeEnd(box, box.result, batch);
  return isEmptyFrame(frame) ? { ...batch, frame: undefined } : batch;
}

function takeEnd(box: Box, result: RunResult, batch: Batch): Batch {
  const { hash, untied, events } = box;
  const event = addEvent(box, '', { type: 'run-finished', result });
  events.length = 0;
  box.result = undefined;
  box.isUrgent = false;
  const text = JSON.stringify(event);
  const { sequence, timeMs } = event;
  const digest = hash.update(text).digest('hex');
  const finish: Handover = { kind: 'finish', result, sequence, timeMs, digest };
  const left = untied.size === 0 ? {} : { left: [...untied.values()] };
  return {
    frame: { ...batch.frame, ...left, handed: [...(batch.frame?.handed ?? []), finish] },
    events: [...batch.events, event],
    eventTexts: [...batch.eventTexts, text],
    bytes: batch.bytes + eventSize(event.body),
    handed: [...batch.handed, { handover: finish }],
  };
}

/** Takes from the beginning of the list what fits into one write; at least one. */
function takeEvents(events: RunEvent[]): {
  readonly taken: readonly RunEvent[];
  readonly eventTexts: readonly string[];
  readonly bytes: number;
  readonly textBytes: number;
} {
  const eventTexts: string[] = [];
  let bytes = 0;
  let textBytes = 0;
  for (const event of events) {
    if (eventTexts.length >= eventsPerWriteMax) break;
    const text = JSON.stringify(event);
    const size = Buffer.byteLength(text);
    if (eventTexts.length > 0 && textBytes + size > eventTextBytesMax) break;
    eventTexts.push(text);
    textBytes += size;
    bytes += eventSize(event.body);
  }
  return { taken: events.splice(0, eventTexts.length), eventTexts, bytes, textBytes };
}

function takeReady(handed: Weighed[]): readonly Ready[] {
  let taken = 0;
  let count = 0;
  for (const { bytes } of handed) {
    if (count >= handedPerWriteMax || (count > 0 && taken + bytes > handedBytesMax)) break;
    taken += bytes;
    count += 1;
  }
  return handed.splice(0, count).map(({ ready }) => ready);
}

function handoversOf(ready: readonly Ready[]): Pick<Frame, 'handed'> {
  return ready.length === 0 ? {} : { handed: ready.map(({ handover }) => handover) };
}
