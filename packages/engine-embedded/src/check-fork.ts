import { HostError } from '@modelhost/kernel';
import type { RunInput, RunProgram, RunStatistics } from '@modelhost/kernel';
import { stepOf } from './journal/cut.ts';
import type { Frame } from './journal/frame.ts';
import { joinFrames } from './journal/journal.ts';
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
 * Throws `failed_precondition` for a fork whose program, with this input, does not come to where the other run was, as that did: asked
 * for all that it had asked for, with all told as it was told. Where the cause is the budget, with what the steps before have used. No
 * body runs, and nothing is written.
 */
export async function checkFork(check: ForkCheck, input: RunInput): Promise<void> {
  const { source } = check;
  const [atStep] = check.steps;
  const before = await tryPrefix(check, source);
  before.performance.close();
  const tried = await tryPrefix(check, input);
  tried.performance.close();
  const problem = tried.problem ?? differenceOf(check, before, tried);
  if (problem === undefined) return;
  const used = await measurePrefix(check, before, { ...input, budget: source.budget });
  throw used === undefined
    ? new HostError(
        'failed_precondition',
        `with what is changed, a fork does not come to ${atStep}: ${problem}`,
        { facts: { step: atStep } },
      )
    : overBudget(atStep, used);
}

/** What a program does not do that it did before. What its journal does not have is not known to the rehearsal alone. */
function differenceOf(
  { steps: own }: ForkCheck,
  before: Rehearsal,
  tried: Rehearsal,
): string | undefined {
  const steps = new Set(Array.from(tried.performance.used, stepOf));
  const isDone = (step: string): boolean =>
    own.includes(step) ? own.some((name) => steps.has(name)) : steps.has(step);
  const missing = Array.from(before.performance.used, stepOf).find(
    (step) => step.includes('/') && !isDone(step),
  );
  if (missing !== undefined) {
    const isOwn = own.includes(missing);
    return isOwn
      ? 'its program ends before it'
      : `its program does not ask for ${missing} any more`;
  }
  const told = tried.told.all();
  const other = before.told
    .all()
    .find(
      ({ step, body }, place) => told[place]?.step !== step || told[place].body.type !== body.type,
    );
  return other && `its program does not tell ${other.body.type} of ${other.step} where it did`;
}

function overBudget(atStep: string, used: RunStatistics): HostError {
  const { modelCalls, toolCalls, inputTokens, outputTokens, costMicroUsd } = used;
  const [tokens, steps] = [inputTokens + outputTokens, modelCalls + toolCalls];
  const calls = `${toolCalls} tool call${toolCalls === 1 ? '' : 's'}`;
  return new HostError(
    'failed_precondition',
    `the budget of the fork ends before ${atStep}: what led to it used ${tokens} tokens, ${steps} step${steps === 1 ? '' : 's'}, ${calls} and ${costMicroUsd} millionths of a US dollar`,
    {
      facts: {
        step: atStep,
        used_tokens: String(tokens),
        used_steps: String(steps),
        used_tool_calls: String(toolCalls),
        used_cost_micro_usd: String(costMicroUsd),
      },
    },
  );
}

async function tryPrefix(check: ForkCheck, input: RunInput): Promise<Rehearsal> {
  const { makeProgram, prefix, ...options } = check;
  return rehearseAlone({ ...options, program: makeProgram(), input, journal: joinFrames(prefix) });
}

/** More than a program still tries after it was stopped and everything is refused. */
const refusalsMax = 16;

/** What the program says that it used by then, when it is stopped there; undefined where it does not come to it either. */
async function measurePrefix(
  check: ForkCheck,
  before: Rehearsal,
  input: RunInput,
): Promise<RunStatistics | undefined> {
  const tried = await tryPrefix(check, input);
  const { performance, result } = tried;
  const isThere = (tried.problem ?? differenceOf(check, before, tried)) === undefined;
  if (isThere) {
    const reason = { type: 'cancelled', by: 'fork' } as const;
    performance.hand({ kind: 'stop', reason });
    for (let refusals = 0; refusals < refusalsMax && result() === undefined; refusals += 1) {
      for (const { kind, name } of Array.from(performance.asks())) {
        if (kind !== 'step') continue;
        const end = { type: 'refused', reason: { type: 'stop', reason } } as const;
        performance.hand({ kind: 'step', name, end, sequences: [] });
      }
      await check.turn();
    }
  }
  performance.close();
  return isThere ? result()?.statistics : undefined;
}
