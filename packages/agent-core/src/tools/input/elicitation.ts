import { HostError, sha256Hex, toErrorData } from '@modelhost/kernel';
import type { JsonObject, RunEventBody, SignalPayload } from '@modelhost/kernel';
import { readElicitation } from '@modelhost/shown-text';
import type { ActiveRun } from '../../active-run.ts';
import { rootOf } from '../../root-run.ts';
import { recordOf } from '../tool-records.ts';
import type { AskedInput, InputAnswer } from './input-answer.ts';

type InputSignal = Extract<SignalPayload, { type: 'tool-input' }>;
type InputRequested = Extract<RunEventBody, { type: 'input-requested' }>;
type Wanted = Pick<InputRequested, 'message' | 'schema' | 'url'>;

/** Nobody decided. */
const unanswered: Omit<InputSignal, 'by'> = { type: 'tool-input', action: 'cancel', content: {} };

/**
 * Asks a person what a tool server wants to know, and waits for the answer as long as for an approval. What was answered
 * goes to the server and nowhere else; that it was is on record before.
 */
export async function elicit(run: ActiveRun, asked: AskedInput): Promise<InputAnswer> {
  const { call, name, params } = asked;
  const wanted = readIfProper(run, params);
  if (wanted instanceof HostError) return { error: toErrorData(wanted) };
  const inputId = `inp_${sha256Hex(`${rootOf(run.input)}\0${name}`).slice(0, 26)}`;
  const { action, content, by } = await ask(run, asked, { inputId, ...wanted });
  const error = await run.context.step(name, async () =>
    run.tryRecord({
      ...recordOf(run, call, 'tool-input', {
        inputId,
        mode: wanted.schema === undefined ? 'url' : 'form',
        action,
      }),
      actor: by,
    }),
  );
  if (error !== null) run.fail(error);
  const callId = call.call.id;
  run.context.emit(call.base, { type: 'input-resolved', inputId, callId, action, by });
  return {
    answer: action === 'accept' && wanted.schema !== undefined ? { action, content } : { action },
  };
}

function readIfProper({ ports }: ActiveRun, params: JsonObject): Wanted | HostError {
  let wanted: Wanted;
  try {
    wanted = readWanted(params);
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    return new HostError(thrown.code, `the request for input ${thrown.message}`);
  }
  try {
    if (wanted.schema !== undefined) ports.schemas.compile(wanted.schema);
    return wanted;
  } catch (cause) {
    const message = 'the request for input has a form that is too large to be checked';
    return new HostError('mcp_protocol_error', message, { cause });
  }
}

function readWanted(params: JsonObject): Wanted {
  const asked = readElicitation(params);
  const { message } = asked;
  switch (asked.mode) {
    case 'form':
      return { message, schema: closedSchema(asked.schema), url: '' };
    case 'url':
      return { message, schema: undefined, url: asked.url };
  }
}

/** Says all that an answer may have: nothing else reaches the server. */
function closedSchema(form: JsonObject): JsonObject {
  return { ...form, required: form['required'] ?? [], additionalProperties: false };
}

async function ask(
  run: ActiveRun,
  { call, name }: AskedInput,
  wanted: Wanted & Pick<InputRequested, 'inputId'>,
): Promise<InputSignal> {
  const { context } = run;
  const { schema, inputId } = wanted;
  const timeoutMs = run.input.agent.approvalTimeoutMs;
  const expiresAtMs = (await context.now(`${name}/asked`)) + timeoutMs;
  context.emit(call.base, {
    type: 'input-requested',
    callId: call.call.id,
    tool: call.tool.name,
    expiresAtMs,
    ...wanted,
  });
  const signal = await context.waitForSignal(`tool-input/${inputId}`, {
    timeoutMs,
    approvers: [],
    ...(schema === undefined ? {} : { accepts: schema }),
  });
  if (signal?.type !== 'tool-input') return { ...unanswered, by: 'timeout' };
  // The edge has checked the content already, but what goes to a tool does not rest on that.
  const isMisfit =
    signal.action === 'accept' &&
    schema !== undefined &&
    run.ports.schemas.compile(schema)(signal.content).length > 0;
  return isMisfit ? { ...unanswered, by: signal.by } : signal;
}
