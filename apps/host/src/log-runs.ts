import type { RunStatus } from '@modelhost/kernel';
import type { Logger } from 'pino';

/** What happens to runs, for those who keep the log. */
export interface RunLog {
  readonly onStart: (status: RunStatus) => void;
  readonly onEnd: (status: RunStatus) => void;
}

/** A line in the log for each beginning and end, with run and tenant; no text of a run stands there. */
export function logRuns(log: Logger): RunLog {
  const about = ({ runId, principal, agent }: RunStatus): object => ({
    runId,
    tenant: principal.tenant,
    agent,
  });
  return {
    onStart: (status) => log.info(about(status), 'run started'),
    onEnd: (status) => {
      const { ending, statistics } = status.result ?? {};
      const error = ending?.reason === 'failed' ? { code: ending.error.code } : {};
      const ended = { reason: ending?.reason, ...error, ...statistics };
      log.info({ ...about(status), ...ended }, 'run ended');
    },
  };
}
