import type { SessionIntake } from '@modelhost/agent-core';
import type { World } from './world.ts';

interface Waiting {
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly leavesAtMs: number;
}

/** Of the time of a call, how much is spent with waiting; written down once more. */
const waitShare = 0.8;

/** S2: in each process whoever waits for a session is let in in the order in which they came, unless they left. */
export function watchQueues({ facts, clock }: World, intake: SessionIntake): SessionIntake {
  const queues = new Map<string, Waiting[]>();

  function isWaiting({ signal, leavesAtMs }: Waiting): boolean {
    return !signal.aborted && leavesAtMs > clock.now();
  }

  return {
    ...intake,
    start: async (wish, work) => {
      const { sessionId, runId, signal, timeoutMs } = wish;
      const queue = queues.get(sessionId) ?? [];
      queues.set(sessionId, queue);
      const own = { runId, signal, leavesAtMs: clock.now() + Math.floor(timeoutMs * waitShare) };
      queue.push(own);
      const leave = (): void => {
        const at = queue.indexOf(own);
        if (at >= 0) queue.splice(at, 1);
      };
      try {
        return await intake.start(wish, async (start) => {
          const passed = queue.slice(0, queue.indexOf(own)).find(isWaiting);
          if (passed !== undefined) {
            facts.violate('S2', `${runId} is let in before ${passed.runId}, which came first`);
          }
          leave();
          return work(start);
        });
      } finally {
        leave();
      }
    },
  };
}
