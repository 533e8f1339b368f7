import type { PolicyAsker, RunInput } from '@modelhost/kernel';

/** Who asks in a run: its agent, on behalf of its principal. */
export function askerOf({ principal, agent, bundle }: RunInput): PolicyAsker {
  const under = bundle === undefined ? {} : { bundle };
  return { principal, agent: agent.id, isDelegated: true, ...under };
}
