import { HostError } from '@modelhost/kernel';
import type { RunEngine, RunStatus, SessionPlace, SessionStore } from '@modelhost/kernel';

/** People take their time, and so does whoever runs tools for a run. */
const retryAfterMs = 5_000;

/** Says which run goes on with a session, and what that waits for: only whoever answers it makes the session free. */
export async function busyError(
  ports: {
    readonly sessions: Pick<SessionStore, 'find'>;
    readonly engine: Pick<RunEngine, 'status'>;
  },
  place: SessionPlace,
): Promise<HostError> {
  const { tenant, sessionId } = place;
  const heldBy = (await ports.sessions.find(place))?.heldBy;
  const holder = heldBy === undefined ? undefined : await ports.engine.status(tenant, heldBy);
  const waitsFor = waitOf(holder);
  const message =
    holder === undefined
      ? `runs wait for the session ${sessionId} already`
      : `the run ${holder.runId} goes on with the session ${sessionId}${remedies[waitsFor ?? 'nothing']}`;
  return new HostError('overloaded', message, {
    facts: {
      session_id: sessionId,
      ...(holder === undefined ? {} : { run_id: holder.runId }),
      ...(waitsFor === undefined ? {} : { waits_for: waitsFor }),
    },
    retryAfterMs,
  });
}

type WaitsFor = 'approval' | 'input' | 'tool_result';

const remedies: Readonly<Record<WaitsFor | 'nothing', string>> = {
  approval: ', and waits for the approval of a person: answer it, or cancel the run',
  input: ', and waits for what a person enters: answer it, or cancel the run',
  tool_result: ', and waits for the result of a tool of its client',
  nothing: '',
};

/** People before everything else: they may take days. Undefined for a run that does not wait. */
function waitOf(status: RunStatus | undefined): WaitsFor | undefined {
  if (status?.state !== 'waiting') return undefined;
  const names = status.waitingFor.map(({ name }) => name);
  if (names.some((name) => name.startsWith('approval/'))) return 'approval';
  if (names.some((name) => name.startsWith('tool-input/'))) return 'input';
  return names.some((name) => name.startsWith('tool-result/')) ? 'tool_result' : undefined;
}
