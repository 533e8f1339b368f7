import { createHash } from 'node:crypto';
import type { Clock, RunEvent, RunEventBody, RunResult } from '@modelhost/kernel';
import { listSequences } from '../journal/sequences.ts';
import { eventSize } from '../event-size.ts';
import { isEmptyFrame } from '../journal/frame.ts';
import type {
  BegunStep,
  Frame,
  Handover,
  KeptWait,
  LostEvent,
  StepReset,
} from '../journal/frame.ts';

/** One write holds no more than this, so that no entry gets too large for a store. */
const handedPerWriteMax = 16;
const handedBytesMax = 5 * 1024 * 1024;
const eventsPerWriteMax = 1_000;
const eventBytesPerWriteMax = 1024 * 1024;

/** Something that is ready to be handed to the program. */
export interface Ready {
  readonly handover: Handover;
  /** What a body threw, for the log. */
  readonly cause?: unknown;
  /** About how many bytes it takes in the journal. */
  readonly size: number;
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
  /** An event of a step's body. */
  emit(step: string, body: RunEventBody): RunEvent;
  begun(step: BegunStep): void;
  waits(wait: KeptWait): void;
  time(name: string, timeMs: number): void;
  /** A step begins again; gives nothing back but tells the followers. */
  reset(name: string, attempt: number, lost: readonly LostEvent[]): void;
  ready(ready: Ready): void;
  /** The run ends: the last event. */
  finish(result: RunResult): void;
  /** Something was written already, by whoever had the run before: these events, of which `lost` are of bodies that were interrupted. */
  resume(lastSequence: number, kept: readonly RunEvent[], lost: readonly RunEvent[]): void;
  /** Events that are journaled, but not kept as events yet. */
  repeat(events: readonly RunEvent[]): void;
  /** Whether something waits that should be written soon: whatever but beginnings and times. */
  isUrgent(): boolean;
  isEmpty(): boolean;
  hasReady(): boolean;
  lastSequence(): number;
  take(): Batch;
}

type Pending = { -readonly [Name in keyof Frame]?: NonNullable<Frame[Name]>[number][] };

/** Starts empty, with sequence 1. */
export function createOutbox(clock: Pick<Clock, 'now'>): Outbox {
  const hash = createHash('sha256');
  let pending: Pending = {};
  let events: RunEvent[] = [];
  let handed: Ready[] = [];
  let isUrgent = false;
  let lastSequence = 0;
  /** What bodies told whose end is not journaled, by sequence. */
  const untied = new Map<number, RunEvent>();
  let result: RunResult | undefined;

  function add(step: string, body: RunEventBody): RunEvent {
    lastSequence += 1;
    const event = { sequence: lastSequence, timeMs: clock.now(), step, body };
    events.push(event);
    isUrgent = true;
    return event;
  }

  function untie(sequences: readonly number[]): void {
    for (const sequence of sequences) untied.delete(sequence);
  }

  function take(): Batch {
    const { taken, bytes } = takeEvents(events);
    const ready = takeReady(handed);
    for (const { handover } of ready) {
      if (handover.kind === 'step') untie(listSequences(handover.sequences));
    }
    const frame: Frame = { ...pending, ...handoversOf(ready) };
    pending = {};
    isUrgent = events.length + handed.length > 0;
    const eventTexts = taken.map((event) => JSON.stringify(event));
    for (const text of eventTexts) hash.update(text);
    // The last event comes last, and alone: all before it are written, or in this very write.
    if (result === undefined || isUrgent) {
      isUrgent ||= result !== undefined;
      return batchOf(frame, { events: taken, eventTexts, bytes, handed: ready });
    }
    return takeEnd(result, { frame, events: taken, eventTexts, bytes, handed: ready });
  }

  function takeEnd(ended: RunResult, batch: Batch): Batch {
    const event = add('', { type: 'run-finished', result: ended });
    events = [];
    result = undefined;
    isUrgent = false;
    const text = JSON.stringify(event);
    hash.update(text);
    const { sequence, timeMs } = event;
    const digest = hash.digest('hex');
    const finish: Handover = { kind: 'finish', result: ended, sequence, timeMs, digest };
    const ready = [...batch.handed, { handover: finish, size: 0 }];
    const before = batch.frame?.handed ?? [];
    const left = untied.size === 0 ? {} : { left: [...untied.values()] };
    return {
      frame: { ...batch.frame, ...left, handed: [...before, finish] },
      events: [...batch.events, event],
      eventTexts: [...batch.eventTexts, text],
      bytes: batch.bytes + eventSize(event.body),
      handed: ready,
    };
  }

  return {
    tell: (step, body) => {
      const { sequence, timeMs } = add(step, body);
      (pending.marks ??= []).push(sequence, timeMs);
    },
    emit: (step, body) => {
      const event = add(step, body);
      untied.set(event.sequence, event);
      return event;
    },
    begun: (step) => {
      (pending.begun ??= []).push(step);
      // The body of such a step waits for this.
      isUrgent ||= step.isOnce;
    },
    waits: (wait) => {
      (pending.waits ??= []).push(wait);
      isUrgent = true;
    },
    time: (name, timeMs) => {
      (pending.times ??= []).push([name, timeMs]);
    },
    reset: (name, attempt, lost) => {
      const { sequence, timeMs } = add(name, { type: 'step-reset', attempt });
      const reset: StepReset = { name, attempt, sequence, timeMs, lost };
      (pending.resets ??= []).push(reset);
      untie(lost.map((event) => event.sequence));
    },
    ready: (one) => {
      handed.push(one);
      isUrgent = true;
    },
    finish: (ended) => {
      result = ended;
      handed = [];
      isUrgent = true;
    },
    resume: (sequence, kept, lost) => {
      lastSequence = sequence;
      for (const event of kept) hash.update(JSON.stringify(event));
      for (const event of lost) untied.set(event.sequence, event);
    },
    repeat: (journaled) => {
      events.push(...journaled);
      lastSequence = journaled.at(-1)?.sequence ?? lastSequence;
      isUrgent ||= journaled.length > 0;
    },
    isUrgent: () => isUrgent,
    isEmpty: () => !isUrgent && events.length === 0 && isEmptyFrame(pending),
    hasReady: () => handed.length > 0,
    lastSequence: () => lastSequence,
    take,
  };
}

/** Takes from the beginning of the list what fits into one write; at least one. */
function takeEvents(events: RunEvent[]): { taken: RunEvent[]; bytes: number } {
  let bytes = 0;
  let count = 0;
  for (const { body } of events) {
    if (count >= eventsPerWriteMax || (count > 0 && bytes >= eventBytesPerWriteMax)) break;
    bytes += eventSize(body);
    count += 1;
  }
  return { taken: events.splice(0, count), bytes };
}

function takeReady(handed: Ready[]): readonly Ready[] {
  let bytes = 0;
  let count = 0;
  for (const { size } of handed) {
    if (count >= handedPerWriteMax || (count > 0 && bytes + size > handedBytesMax)) break;
    bytes += size;
    count += 1;
  }
  return handed.splice(0, count);
}

function handoversOf(ready: readonly Ready[]): Pick<Frame, 'handed'> {
  return ready.length === 0 ? {} : { handed: ready.map(({ handover }) => handover) };
}

function batchOf(frame: Frame, batch: Omit<Batch, 'frame'>): Batch {
  return { frame: isEmptyFrame(frame) ? undefined : frame, ...batch };
}
