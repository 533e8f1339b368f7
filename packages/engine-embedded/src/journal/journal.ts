import { HostError, parseJsonText } from '@modelhost/kernel';
import type { RunEvent } from '@modelhost/kernel';
import type { BegunStep, Frame, Handover, KeptWait, StepReset } from './frame.ts';

/** All frames of a run as one: what is looked up by name, and what goes in order. */
export interface Journal {
  /** The newest attempt of each step that ever began. */
  readonly begun: ReadonlyMap<string, BegunStep>;
  readonly waits: ReadonlyMap<string, KeptWait>;
  readonly times: ReadonlyMap<string, number>;
  /** Sequence and time of each event of the program, in turn; 0 for one that is not told. */
  readonly marks: readonly number[];
  readonly resets: readonly StepReset[];
  readonly left: readonly RunEvent[];
  readonly handed: readonly Handover[];
}

/** Puts frames together in their order. */
export function joinFrames(frames: readonly Frame[]): Journal {
  const begun = new Map<string, BegunStep>();
  const waits = new Map<string, KeptWait>();
  const times = new Map<string, number>();
  const marks: number[] = [];
  const resets: StepReset[] = [];
  const left: RunEvent[] = [];
  const handed: Handover[] = [];
  for (const frame of frames) {
    for (const step of frame.begun ?? []) begun.set(step.name, step);
    for (const wait of frame.waits ?? []) waits.set(wait.name, wait);
    for (const [name, timeMs] of frame.times ?? []) times.set(name, timeMs);
    for (const mark of frame.marks ?? []) marks.push(mark);
    resets.push(...(frame.resets ?? []));
    // There may be more of them than a call takes arguments.
    for (const event of frame.left ?? []) left.push(event);
    handed.push(...(frame.handed ?? []));
  }
  return { begun, waits, times, marks, resets, left, handed };
}

/** Reads what `JSON.stringify` of a frame gave; it was sealed, so nobody else has written it. */
export function readFrame(text: string): Frame {
  const frame: unknown = parseJsonText(text);
  if (typeof frame === 'object' && frame !== null && !Array.isArray(frame)) return frame;
  throw new HostError('internal', 'the journal of the run cannot be read');
}
