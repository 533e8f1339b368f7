import { HostError } from '@modelhost/kernel';
import type { RunInput, RunProgram, RunStatistics } from '@modelhost/kernel';
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
  readonly atStep: string;
  /** Of the run that it is a fork of. */
  readonly budget: RunInput['budget'];
  readonly stepNamesMax: number;
  readonly turn: Turn;
  readonly now: () => number;
}

/**
 * Throws `failed_precondition` for a fork whose program, with this input, would not come to where it is to go on; where the cause is
 * the budget, with what the steps before have used. No body runs, and nothing is written.
 */
export async function checkFork(check: ForkCheck, input: RunInput): Promise<void> {
  const { atStep, budget } = check;
  const tried = await tryPrefix(check, input);
  tried.performance.close();
  if (tried.problem === undefined) return;
  const used = await measurePrefix(check, { ...input, budget });
  throw used === undefined
    ? new HostError(
        'failed_precondition',
        `with what is changed, a fork does not come to ${atStep}: ${tried.problem}`,
        { facts: { step: atStep } },
      )
    : overBudget(atStep, used);
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
  input: RunInput,
): Promise<RunStatistics | undefined> {
  const { performance, problem, result } = await tryPrefix(check, input);
  if (problem === undefined) {
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
  return problem === undefined ? result()?.statistics : undefined;
}
