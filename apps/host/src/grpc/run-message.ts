import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { RunState } from '@modelhost/contracts';
import type { PendingSignalSchema, RunSchema } from '@modelhost/contracts';
import type { PendingSignal, RunState as State, RunStatus } from '@modelhost/kernel';
import { toResultMessage } from './event-message.ts';
import type { FieldReader } from './field-reader.ts';

const states: Readonly<Record<State, RunState>> = {
  running: RunState.RUNNING,
  waiting: RunState.WAITING,
  finished: RunState.FINISHED,
};

/** Whether this is what a run waits for of an approval: the next vote, whichever that is. */
export function isVoteOn(approvalId: string, { name }: Pick<PendingSignal, 'name'>): boolean {
  return name.startsWith('approval/') && approvalOf(name) === approvalId;
}

/** The name that a run waits under for a client's tool result. */
export const toolResultSignal = (callId: string): string => `tool-result/${callId}`;

/** The name that a run waits under for the input that a tool asks for. */
export const inputSignal = (inputId: string): string => `tool-input/${inputId}`;

/** A run as its message. */
export function toRunMessage(status: RunStatus): MessageInitShape<typeof RunSchema> {
  const { runId, agent, agentVersion, principal, state, finishedAtMs, result } = status;
  return {
    runId,
    agent,
    agentVersion,
    subject: principal.subject,
    state: states[state],
    createTime: timestampFromMs(status.createdAtMs),
    ...(finishedAtMs === undefined ? {} : { finishTime: timestampFromMs(finishedAtMs) }),
    metadata: { ...status.metadata },
    sessionId: status.sessionId ?? '',
    lastSequence: BigInt(status.lastSequence),
    waitingFor: status.waitingFor.map(toPending),
    ...(result === undefined ? {} : { result: toResultMessage(result) }),
  };
}

/** A state of the contract; undefined for unspecified. Refuses one that only newer callers know: its runs would not be those. */
export function readState(reader: FieldReader, state: RunState): State | undefined {
  switch (state) {
    case RunState.RUNNING:
      return 'running';
    case RunState.WAITING:
      return 'waiting';
    case RunState.FINISHED:
      return 'finished';
    case RunState.UNSPECIFIED:
      return undefined;
  }
  reader.refuse('state', 'is no state of runs that this host knows');
  return undefined;
}

function toPending({ name, sinceMs }: PendingSignal): MessageInitShape<typeof PendingSignalSchema> {
  // The id is whatever follows the first slash: those of tool calls come from providers and may have one too.
  const slash = name.indexOf('/');
  const [kind, id] = [name.slice(0, slash), name.slice(slash + 1)];
  const since = timestampFromMs(sinceMs);
  switch (kind) {
    case 'approval':
      return { signal: { case: 'approvalId', value: approvalOf(name) }, since };
    case 'tool-input':
      return { signal: { case: 'inputId', value: id }, since };
  }
  return { signal: { case: 'toolCallId', value: id }, since };
}

/** The id between `approval/` and the number of the vote. */
function approvalOf(name: string): string {
  return name.slice(name.indexOf('/') + 1, name.lastIndexOf('/'));
}
