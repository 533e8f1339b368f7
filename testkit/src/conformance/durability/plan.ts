import { HostError } from '@modelhost/kernel';
import type {
  RunContext,
  RunEventBody,
  RunProgram,
  RunResult,
  StepInfo,
  StepOptions,
} from '@modelhost/kernel';
import type { ProcessClock } from '../../crash/process.ts';
import { pause } from '../../simulation/pause.ts';
import { done } from '../workbench.ts';

/** Something that a program does. */
export type Action =
  | {
      readonly type: 'step';
      readonly name: string;
      readonly isOnce: boolean;
      /** How many texts it tells, with a pause before each and after the last. */
      readonly texts: number;
      readonly pauseMs: number;
      readonly isFailing: boolean;
    }
  | { readonly type: 'all'; readonly branches: readonly (readonly Action[])[] }
  | { readonly type: 'now'; readonly name: string }
  | { readonly type: 'tell'; readonly text: string }
  | { readonly type: 'sleep'; readonly name: string; readonly forMs: number }
  | {
      readonly type: 'wait';
      readonly name: string;
      readonly timeoutMs: number;
      /** How long after it is asked for somebody answers; null for never. */
      readonly answerAfterMs: number | null;
    };

/** What was seen of the bodies and results of one run, over all processes. */
export interface Seen {
  /** Steps whose body began, as often as it did. */
  readonly begun: Map<string, number>;
  /** Steps whose result the program was handed, in any process. */
  readonly handed: Set<string>;
  readonly violations: string[];
}

/** Starts with nothing. */
export function createSeen(): Seen {
  return { begun: new Map(), handed: new Set(), violations: [] };
}

interface StepResult {
  readonly told: readonly { readonly timeMs: number; readonly text: string }[];
}

const textOf = (name: string, index: number): string => `${name}#${index} `;

/** A program that does what is planned, and answers with what it was handed, in order. */
export function planProgram(
  plan: readonly Action[],
  seen: Seen,
): (clock: ProcessClock) => RunProgram {
  return (clock) => async (context) => {
    const log: string[] = [];
    await perform(plan, { context, clock, seen, log });
    return finishWith(log.join(' '));
  };
}

function finishWith(answer: string): RunResult {
  return { ...done, ending: { reason: 'completed', answer } };
}

interface Stage {
  readonly context: RunContext;
  readonly clock: ProcessClock;
  readonly seen: Seen;
  readonly log: string[];
}

async function perform(actions: readonly Action[], stage: Stage): Promise<void> {
  for (const action of actions) await performOne(action, stage);
}

async function performOne(action: Action, stage: Stage): Promise<void> {
  const { context, log } = stage;
  switch (action.type) {
    case 'step':
      return performStep(action, stage);
    case 'all':
      await Promise.all(action.branches.map(async (branch) => perform(branch, stage)));
      return;
    case 'now':
      await context.now(action.name);
      return;
    case 'tell':
      return context.emit('', { type: 'text-delta', text: action.text });
    case 'sleep':
      await context.sleepUntil(
        action.name,
        (await context.now(`${action.name}/from`)) + action.forMs,
      );
      log.push(`${action.name}:over`);
      return;
    case 'wait': {
      const { name, timeoutMs } = action;
      const payload = await context.waitForSignal(name, { timeoutMs, approvers: [] });
      log.push(`${name}:${payload?.type === 'tool-result' ? payload.content : 'nobody'}`);
    }
  }
}

async function performStep(
  action: Extract<Action, { type: 'step' }>,
  { context, clock, seen, log }: Stage,
): Promise<void> {
  const { name, isOnce } = action;
  const body = async (info: StepInfo): Promise<StepResult> => {
    meetBody(action, seen, info);
    return tellTexts(action, clock, info);
  };
  const options: StepOptions<StepResult> = {
    events: ({ told }) => told.map(({ timeMs, text }) => ({ timeMs, body: delta(text) })),
  };
  let outcome: string;
  try {
    if (isOnce) outcome = (await context.atMostOnce(name, body, options)).kind;
    else outcome = `done${(await context.step(name, body, options)).told.length}`;
  } catch (thrown) {
    // A stop is not one of the errors of the plan.
    if (!(thrown instanceof HostError)) throw thrown;
    outcome = thrown.code;
  }
  seen.handed.add(name);
  context.emit(name, { type: 'step-finished', kind: 'tool', finishReason: outcome, durationMs: 0 });
  log.push(`${name}:${outcome}`);
}

function meetBody(
  { name, isOnce }: Extract<Action, { type: 'step' }>,
  seen: Seen,
  { attempt }: StepInfo,
): void {
  const times = (seen.begun.get(name) ?? 0) + 1;
  seen.begun.set(name, times);
  if (seen.handed.has(name)) seen.violations.push(`${name} ran after its result was handed over`);
  if (isOnce && times > 1) seen.violations.push(`${name} ran ${times} times`);
  if (attempt > times) seen.violations.push(`${name} is told attempt ${attempt} the time ${times}`);
}

async function tellTexts(
  { name, texts, pauseMs, isFailing }: Extract<Action, { type: 'step' }>,
  clock: ProcessClock,
  info: StepInfo,
): Promise<StepResult> {
  const told: { timeMs: number; text: string }[] = [];
  for (let index = 1; index <= texts; index += 1) {
    await pause(clock, pauseMs, info.signal);
    const text = textOf(name, index);
    told.push({ timeMs: info.emit(delta(text)), text });
  }
  await pause(clock, pauseMs, info.signal);
  if (isFailing) throw new HostError('mcp_timeout', `${name} failed`);
  return { told };
}

function delta(text: string): RunEventBody {
  return { type: 'text-delta', text };
}

/** What a client shows of a step that was finished: all its texts, each once. */
export function wholeText({ name, texts }: Extract<Action, { type: 'step' }>): string {
  return Array.from({ length: texts }, (_, index) => textOf(name, index + 1)).join('');
}

/** All actions of a plan, those within branches included. */
export function flatten(actions: readonly Action[]): readonly Action[] {
  return actions.flatMap((action) =>
    action.type === 'all' ? action.branches.flatMap(flatten) : [action],
  );
}
