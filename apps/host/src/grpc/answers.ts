import { InputAction } from '@modelhost/contracts';
import type { AgentService } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type {
  JsonObject,
  JsonSchemas,
  PendingSignal,
  Principal,
  RunEngine,
  RunStatus,
  SignalPayload,
} from '@modelhost/kernel';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { FieldReader } from './field-reader.ts';
import { findRun, readId } from './find-run.ts';
import { inputSignal, isVoteOn, toolResultSignal } from './run-message.ts';
import type { Handlers } from './service.ts';
import { readJsonObject } from './try-call.ts';

type Service = Handlers<typeof AgentService>;
type InputSignal = Extract<SignalPayload, { type: 'tool-input' }>;

const resultBytesMax = 256 * 1_024;
const inputBytesMax = 64 * 1_024;

/** The answers to whatever a run waits for. Each counts once. */
export function createAnswers(
  engine: RunEngine,
  schemas: JsonSchemas,
): Pick<Service, 'resolveApproval' | 'submitToolResult' | 'submitInput'> {
  async function answer(
    principal: Principal,
    runId: string,
    name: string,
    payload: SignalPayload,
  ): Promise<void> {
    const { accepted } = await engine.signal(principal.tenant, runId, name, payload);
    if (!accepted) throw notAwaited(name);
  }

  return {
    resolveApproval: async (request, { principal }) => {
      const { runId, approvalId, approved, comment } = request;
      const reader = createFieldReader();
      readId(reader, 'run_id', runId);
      readId(reader, 'approval_id', approvalId);
      reader.text('comment', comment, { min: 0, max: 1_024 });
      refuseIfAny(reader);
      const run = await findRun(engine, principal, runId);
      const pending = run.waitingFor.find((signal) => isVoteOn(approvalId, signal));
      if (pending === undefined) throw notAwaited(`approval/${approvalId}`, run);
      if (approved || !canWithdraw(principal, pending, run.principal)) {
        refuseIfNoVoter(principal, pending, run.principal);
      }
      const { subject: by, roles } = principal;
      const vote = { type: 'approval', approved, by, roles, comment } as const;
      const { accepted } = await engine.signal(principal.tenant, runId, pending.name, vote);
      if (!accepted) throw tooLate(approvalId);
      return {};
    },
    submitToolResult: async (request, { principal }) => {
      const { runId, callId, content, isError } = request;
      const reader = createFieldReader();
      readId(reader, 'run_id', runId);
      readId(reader, 'call_id', callId);
      reader.bytes('content', content, resultBytesMax);
      refuseIfAny(reader);
      const name = toolResultSignal(callId);
      await findPending(engine, principal, runId, name);
      await answer(principal, runId, name, { type: 'tool-result', content, isError });
      return {};
    },
    submitInput: async (request, { principal }) => {
      const { runId, inputId } = request;
      const reader = createFieldReader();
      readId(reader, 'run_id', runId);
      readId(reader, 'input_id', inputId);
      const { action, content } = readInput(reader, request);
      refuseIfAny(reader);
      const name = inputSignal(inputId);
      const { accepts } = await findPending(engine, principal, runId, name);
      // Before the answer counts, so that whoever mistyped can give another one.
      if (action === 'accept') refuseMisfit(reader, schemas, { accepts, content });
      const by = principal.subject;
      await answer(principal, runId, name, { type: 'tool-input', action, content, by });
      return {};
    },
  };
}

function readInput(
  reader: FieldReader,
  { action, contentJson }: Parameters<Service['submitInput']>[0],
): Pick<InputSignal, 'action' | 'content'> {
  reader.bytes('content_json', contentJson, inputBytesMax);
  const known = readAction(action);
  if (known === undefined) {
    reader.refuse('action', 'must be INPUT_ACTION_ACCEPT, _DECLINE or _CANCEL');
  }
  if (known !== 'accept' && contentJson !== '') {
    reader.refuse('content_json', 'belongs to INPUT_ACTION_ACCEPT only');
  }
  const content = reader.violations.length > 0 ? {} : readJsonObject(contentJson);
  if (content === undefined) reader.refuse('content_json', 'must be the text of a JSON object');
  return { action: known ?? 'cancel', content: content ?? {} };
}

function readAction(action: InputAction): InputSignal['action'] | undefined {
  switch (action) {
    case InputAction.ACCEPT:
      return 'accept';
    case InputAction.DECLINE:
      return 'decline';
    case InputAction.CANCEL:
      return 'cancel';
    case InputAction.UNSPECIFIED:
      break;
  }
  return undefined;
}

function refuseMisfit(
  reader: FieldReader,
  schemas: JsonSchemas,
  { accepts, content }: { readonly accepts: JsonObject | undefined; readonly content: JsonObject },
): void {
  if (accepts === undefined) {
    if (Object.keys(content).length > 0) {
      reader.refuse('content_json', 'must be empty: the person is sent to a URL');
    }
  } else {
    for (const { field, description } of schemas.compile(accepts)(content)) {
      reader.refuse(`content_json.${field}`, description);
    }
  }
  refuseIfAny(reader);
}

/** Only what a run waits for right now can be answered: an answer given ahead would be one to a question not yet asked. */
async function findPending(
  engine: RunEngine,
  principal: Principal,
  runId: string,
  name: string,
): Promise<RunStatus['waitingFor'][number]> {
  const run = await findRun(engine, principal, runId);
  const pending = run.waitingFor.find((signal) => signal.name === name);
  if (pending === undefined) throw notAwaited(name, run);
  return pending;
}

function notAwaited(name: string, run?: RunStatus): HostError {
  if (run?.result !== undefined) {
    const message = `the run is over (${run.result.ending.reason}): it does not wait for ${name}`;
    return new HostError('failed_precondition', message);
  }
  return new HostError(
    'failed_precondition',
    `the run does not wait for ${name}: it was answered before, its time is over, or it was never asked`,
  );
}

function tooLate(approvalId: string): HostError {
  return new HostError(
    'failed_precondition',
    `your vote on ${approvalId} comes too late: its time is over, or somebody else voted at the same moment; vote again if the run still waits for it`,
  );
}

/** A no needs no quorum: who asked for the call may give it up, and who said yes may think again. */
function canWithdraw(
  { subject }: Principal,
  { refused = [] }: PendingSignal,
  asker: Principal,
): boolean {
  return subject === asker.subject || refused.includes(subject);
}

/** Who asked for the call, or has voted on it, counts no more; whoever else needs a role that is still missing. */
function refuseIfNoVoter(
  { subject, roles }: Principal,
  { approvers, refused = [] }: PendingSignal,
  asker: Principal,
): void {
  if (approvers.length > 0 && !approvers.some((role) => roles.includes(role))) {
    throw new HostError(
      'permission_denied',
      `this approval needs one of the roles ${approvers.join(', ')}`,
    );
  }
  if (!refused.includes(subject)) return;
  const why =
    subject === asker.subject
      ? 'the call is your own, and its rules want the yes of somebody else'
      : 'you have voted on it already, and its rules want more than one person';
  throw new HostError('failed_precondition', `your vote on this approval does not count: ${why}`);
}
