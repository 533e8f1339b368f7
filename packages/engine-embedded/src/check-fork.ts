import { HostError } from '@modelhost/kernel';
import type { RunInput, RunProgram, RunStatistics } from '@modelhost/kernel';
import { stepOf } from './journal/cut.ts';
import type { Frame } from './journal/frame.ts';
import { joinFrames } from './journal/journal.ts';
import type { Performance } from './run/performance.ts';
import { rehearseAlone } from './run/rehearse-alone.ts';
import type { Rehearsal } from './run/rehearse-alone.ts';
import type { Turn } from './run/rehearse.ts';

/** What a fork is checked with. */
export interface ForkCheck {
  readonly makeProgram: () => RunProgram;
  /** What it goes on from. */
  readonly prefix: readonly Frame[];
  /** The step that it is to come to, and others that may be in its place. */
  readonly steps: readonly [atStep: string, ...others: string[]];
  /** Of the run that it is a fork of. */
  readonly source: RunInput;
  readonly stepNamesMax: number;
  readonly turn: Turn;
  readonly now: () => number;
}

/**
 * Throws `failed_precondition`, with what the steps before have used, for a fork whose program, with this input, does not come to its
 * step as that of the other run did: asked for all that it had asked for by then, with all told as it was told. No body runs, and nothing
 * is written.
 */
export async function checkFork(check: ForkCheck, input: RunInput): Promise<void> {
  const before = await tryPrefix(check, check.source);
  const tried = await tryPrefix(check, input);
  tried.performance.close();
  const problem =
    tried.problem === undefined
      ? differenceOf(check, before, tried)
      : `it would go another way, as ${tried.problem}`;
  const used = problem === undefined ? undefined : await measure(before, check.turn);
  before.performance.close();
  if (problem !== undefined) throw refusalOf(check.steps[0], problem, used);
}

/** What a program does not do that it did before. What its journal does not have is not known to the rehearsal alone. */
function differenceOf(
  { steps: own }: ForkCheck,
  before: Rehearsal,
  tried: Rehearsal,
): string | undefined {
  const steps = new Set(stepsOf(tried.performance));
  const wanted = stepsOf(before.performance);
  const place = wanted.findIndex((step) => own.includes(step));
  const isAtStep = place < 0 || own.some((step) => steps.has(step));
  // What had begun beside it, or after it where nothing is waited for, need not come.
  const isLed = wanted.slice(0, place < 0 ? undefined : place).every((step) => steps.has(step));
  if (!isAtStep || !isLed)
    return 'it would end before, for lack of budget or of room for the model to answer';
  const told = tried.told.all();
  const other = before.told
    .all()
    .find(
      ({ step, body }, index) => told[index]?.step !== step || told[index].body.type !== body.type,
    );
  return (
    other &&
    `it would go another way, as its program does not tell ${other.body.type} of ${other.step} where it did`
  );
}

/** Steps of two parts that it asked for, in the order of asking. */
function stepsOf({ used }: Performance): readonly string[] {
  return [...new Set(Array.from(used, stepOf))].filter((step) => step.includes('/'));
}

function refusalOf(atStep: string, problem: string, used: RunStatistics | undefined): HostError {
  if (used === undefined)
    return unforkable(`a fork does not come to ${atStep}: ${problem}`, { step: atStep });
  const { modelCalls, toolCalls, inputTokens, outputTokens, costMicroUsd } = used;
  const [tokens, steps] = [inputTokens + outputTokens, modelCalls + toolCalls];
  const calls = `${toolCalls} tool call${toolCalls === 1 ? '' : 's'}`;
  const cost = `${Number((costMicroUsd / 1e6).toFixed(6))} US dollars`;
  return unforkable(
    `a fork does not come to ${atStep} with what is changed: ${problem}. Up to there the run had used or set aside ${tokens} tokens, ${steps} step${steps === 1 ? '' : 's'}, ${calls} and ${cost}`,
    {
      step: atStep,
      used_tokens: String(tokens),
      used_steps: String(steps),
      used_tool_calls: String(toolCalls),
      used_cost_micro_usd: String(costMicroUsd),
    },
  );
}

function unforkable(message: string, facts: Readonly<Record<string, string>>): HostError {
  return new HostError('failed_precondition', message, { facts });
}

async function tryPrefix(check: ForkCheck, input: RunInput): Promise<Rehearsal> {
  const { makeProgram, prefix, ...options } = check;
  return rehearseAlone({ ...options, program: makeProgram(), input, journal: joinFrames(prefix) });
}

/** More than a program still tries after it was stopped and everything is refused. */
const refusalsMax = 16;

/** What a program says that it has used, when it is stopped where it is. */
async function measure(
  { performance, result }: Rehearsal,
  turn: Turn,
): Promise<RunStatistics | undefined> {
  const reason = { type: 'cancelled', by: 'fork' } as const;
  performance.hand({ kind: 'stop', reason });
  for (let refusals = 0; refusals < refusalsMax && result() === undefined; refusals += 1) {
    for (const { kind, name } of Array.from(performance.asks())) {
      if (kind !== 'step') continue;
      const end = { type: 'refused', reason: { type: 'stop', reason } } as const;
      performance.hand({ kind: 'step', name, end, sequences: [] });
    }
    await turn();
  }
  return result()?.statistics;
}
