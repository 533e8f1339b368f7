import type { RunProgram } from '@modelhost/kernel';
import type { Logger } from 'pino';

/** A program with a line in the log for each beginning and end, with run and tenant; no text of a run stands there. */
export function logRuns(program: RunProgram, log: Logger): RunProgram {
  return async (context, input) => {
    const { runId, principal, agent } = input;
    const run = log.child({ runId, tenant: principal.tenant, agent: agent.id });
    run.info('run started');
    const result = await program(context, input);
    const { ending, statistics } = result;
    const error = ending.reason === 'failed' ? { code: ending.error.code } : {};
    run.info({ reason: ending.reason, ...error, ...statistics }, 'run ended');
    return result;
  };
}
