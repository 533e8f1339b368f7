import type { Frame, Handover, StepReset } from './frame.ts';
import { addSequence, listSequences } from './sequences.ts';

/** What led to a step of a run, and the first of its steps that is not in that. */
export interface Cut {
  readonly frames: readonly Frame[];
  readonly firstStep: string;
}

/**
 * What led to a step: the frames up to where it, or one of `others`, first began, without whatever else was under way just then. A step
 * is whole in it, with what it has within it (`turn-1/tool-1` has `turn-1/tool-1/call`), or not at all: the cut is as early as that
 * takes. Sequences are numbered anew. Undefined when the step never began, or only after the run was asked to stop.
 */
export function cutBefore(
  frames: readonly Frame[],
  step: string,
  others: readonly string[] = [],
): Cut | undefined {
  const steps = listSteps(frames);
  const spans = [...steps.values()];
  if (!steps.has(step)) return undefined;
  let end = Math.min(...[step, ...others].map((name) => steps.get(name)?.first ?? Infinity));
  for (let cut = -1; cut !== end;) {
    cut = end;
    // What is half done would go on with what was decided for another run.
    for (const { first, last, isCompound } of spans) {
      if (isCompound && first < cut && last > cut) end = Math.min(end, first);
    }
  }
  const handed = frames.slice(0, end).flatMap((frame) => frame.handed ?? []);
  if (handed.some(({ kind }) => kind === 'stop')) return undefined;
  const names = new Set(handed.flatMap((one) => ('name' in one ? one.name : [])));
  const isHanded = ({ name }: Named): boolean => names.has(name);
  const isAnew = (name: string): boolean => {
    const span = steps.get(stepOf(name));
    return span !== undefined && span.isCompound && span.first >= end;
  };
  // What a frame was handed comes after what was asked for in it.
  const cut = frames.slice(0, end + 1).map((frame, index) => {
    const { begun = [], waits = [], times = [], resets = [] } = frame;
    const isBefore = index < end;
    return {
      begun: begun.filter(isHanded),
      waits: waits.filter(isHanded),
      times: times.filter(([name]) => !isOfRun(name) && !isAnew(name)),
      // What was told since the last handover is told again, if the program still comes to it.
      marks: isBefore ? (frame.marks ?? []) : [],
      resets: resets.filter(isHanded),
      handed: isBefore ? (frame.handed ?? []) : [],
    };
  });
  const [firstStep = step] = [...steps].flatMap(([name, { first }]) =>
    name.includes('/') && first >= end ? name : [],
  );
  return { frames: renumber(cut), firstStep };
}

const examplesMax = 6;

/** Some steps that a run can be forked at, for whoever named another one: the first that have two parts, as those of turns have. */
export function exampleSteps(frames: readonly Frame[]): readonly string[] {
  const names = [...listSteps(frames).keys()].filter((name) => name.includes('/'));
  return names.slice(0, examplesMax).filter((name) => cutBefore(frames, name) !== undefined);
}

interface Named {
  readonly name: string;
}

/** From which frame to which a step was under way. */
interface Span {
  readonly first: number;
  /** Infinity for one that has not said its end. */
  readonly last: number;
  /** Whether there is something within it. */
  readonly isCompound: boolean;
}

/** What has one part belongs to no turn: the run's own time is read anew, since another run begins. */
function isOfRun(name: string): boolean {
  return !name.includes('/');
}

/** Names have at most two parts for themselves; whatever has more is within the step of the first two. */
export function stepOf(name: string): string {
  return name.split('/').slice(0, 2).join('/');
}

/**
 * By name, in the order in which they began. A compound step is over once its program has read the time under its name and
 * `end`: what it waits for may have any name, so nothing else tells whether it is.
 */
function listSteps(frames: readonly Frame[]): ReadonlyMap<string, Span> {
  const steps = new Map<string, Span>();
  for (const [index, { begun = [], times = [] }] of frames.entries()) {
    for (const name of [...times.map(([time]) => time), ...begun.map((one) => one.name)]) {
      const step = stepOf(name);
      const isCompound = name !== step;
      if (!isCompound && !begun.some((one) => one.name === name)) continue;
      const known = steps.get(step) ?? { first: index, last: Infinity, isCompound };
      steps.set(step, {
        first: known.first,
        last: name === `${step}/end` ? index : known.last,
        isCompound: isCompound || known.isCompound,
      });
    }
  }
  return steps;
}

type Parts = Required<Pick<Frame, 'marks' | 'resets' | 'handed'>> & Frame;

/** Numbers the events from 1 without a gap, in their order. */
function renumber(frames: readonly Parts[]): readonly Frame[] {
  const used = frames.flatMap(sequencesOf).sort((one, other) => one - other);
  const numbers = new Map(used.map((sequence, index) => [sequence, index + 1]));
  const numberOf = (sequence: number): number => numbers.get(sequence) ?? sequence;
  return frames.map((frame) => ({
    ...frame,
    marks: frame.marks.map((value, index) => (index % 2 === 0 ? numberOf(value) : value)),
    resets: frame.resets.map((reset) => renumberReset(reset, numberOf)),
    handed: frame.handed.map((one) => renumberHandover(one, numberOf)),
  }));
}

function sequencesOf({ marks, resets, handed }: Parts): readonly number[] {
  return [
    ...marks.filter((sequence, index) => index % 2 === 0 && sequence > 0),
    ...resets.flatMap(({ sequence, lost }) => [sequence, ...lost.map((event) => event.sequence)]),
    ...handed.flatMap((one) => (one.kind === 'step' ? listSequences(one.sequences) : [])),
  ];
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
