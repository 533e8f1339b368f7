import type { Frame, Handover, StepReset } from './frame.ts';
import { addSequence, listSequences } from './sequences.ts';

/**
 * What led to a step: the frames up to where it first began, as one, without whatever else was under way just then. Sequences
 * are numbered anew. Undefined when the step never began, or only after the run was asked to stop.
 */
export function cutBefore(frames: readonly Frame[], step: string): Frame | undefined {
  const end = frames.findIndex(({ begun = [] }) => begun.some(({ name }) => name === step));
  if (end < 0) return undefined;
  // What a frame was handed comes after what was asked for in it.
  const asked = frames.slice(0, end + 1);
  const handed = frames.slice(0, end).flatMap((frame) => frame.handed ?? []);
  if (handed.some(({ kind }) => kind === 'stop')) return undefined;
  const names = new Set(handed.flatMap((one) => ('name' in one ? one.name : [])));
  const isHanded = ({ name }: { readonly name: string }): boolean => names.has(name);
  const collect = <T>(list: (frame: Frame) => readonly T[] | undefined): readonly T[] =>
    asked.flatMap((frame) => list(frame) ?? []);
  return renumber({
    begun: collect(({ begun }) => begun).filter(isHanded),
    waits: collect(({ waits }) => waits).filter(isHanded),
    times: collect(({ times }) => times),
    // What was told since the last handover is told again, if the program still comes to it.
    marks: frames.slice(0, end).flatMap(({ marks = [] }) => marks),
    resets: collect(({ resets }) => resets).filter(isHanded),
    handed,
  });
}

type Parts = Required<Pick<Frame, 'marks' | 'resets' | 'handed'>> & Frame;

/** Numbers the events from 1 without a gap, in their order. */
function renumber(frame: Parts): Frame {
  const { marks, resets, handed } = frame;
  const used = [
    ...marks.filter((_, index) => index % 2 === 0),
    ...resets.flatMap(({ sequence, lost }) => [sequence, ...lost.map((event) => event.sequence)]),
    ...handed.flatMap((one) => (one.kind === 'step' ? listSequences(one.sequences) : [])),
  ].sort((one, other) => one - other);
  const numbers = new Map(used.map((sequence, index) => [sequence, index + 1]));
  const numberOf = (sequence: number): number => numbers.get(sequence) ?? sequence;
  return {
    ...frame,
    marks: marks.map((value, index) => (index % 2 === 0 ? numberOf(value) : value)),
    resets: resets.map((reset) => renumberReset(reset, numberOf)),
    handed: handed.map((one) => renumberHandover(one, numberOf)),
  };
}

function renumberReset(reset: StepReset, numberOf: (sequence: number) => number): StepReset {
  return {
    ...reset,
    sequence: numberOf(reset.sequence),
    lost: reset.lost.map((event) => ({ ...event, sequence: numberOf(event.sequence) })),
  };
}

function renumberHandover(handover: Handover, numberOf: (sequence: number) => number): Handover {
  if (handover.kind !== 'step') return handover;
  const sequences: number[] = [];
  for (const sequence of listSequences(handover.sequences))
    addSequence(sequences, numberOf(sequence));
  return { ...handover, sequences };
}
