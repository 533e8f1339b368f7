import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type {
  AnswerChange,
  CallGovernor,
  DirectAnswer,
  DirectResults,
} from '@modelhost/agent-core';
import type { ToolService } from '@modelhost/contracts';
import { HostError, isJsonObject, parseJsonText, sha256Hex } from '@modelhost/kernel';
import type { Ids, JsonObject, Principal, ToolAnswer, ToolReply } from '@modelhost/kernel';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { Handlers } from './service.ts';

const argumentsBytesMax = 256 * 1_024;
const callTimeoutMs = 60_000;
/** Under this name policy sees whoever tries a tool: `context.agent == "direct"`. */
export const directAgent = 'direct';

/** Calls one tool outside any run, for the caller alone. */
export function createTryCall({
  gateway,
  governor,
  ids,
  now = () => performance.now(),
}: {
  readonly gateway: Pick<McpGateway, 'listTools' | 'checkArguments' | 'callTool' | 'pins'>;
  readonly governor: CallGovernor;
  readonly ids: Ids;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}): Handlers<typeof ToolService>['callTool'] {
  return async ({ name, argumentsJson }, { principal, signal }) => {
    const values = readArguments(name, argumentsJson);
    const tool = gateway.listTools(principal.tenant).find((known) => known.name === name);
    if (tool === undefined) {
      throw notThere(gateway, principal, name);
    }
    const violations = gateway.checkArguments(name, values);
    if (violations.length > 0) {
      throw new HostError('tool_arguments_invalid', 'the arguments do not fit the tool', {
        facts: { tool: name, field: violations[0]?.field ?? '' },
        violations,
      });
    }
    const callId = ids.create('call');
    const startedMs = now();
    const invocation = {
      tool: name,
      principal,
      idempotencyKey: sha256Hex(callId),
    };
    const reply = await governor.govern(
      { callId, principal, agent: directAgent, tool, arguments: values },
      async ({ limits, arguments: outgoing }) => {
        const timeoutMs = Math.min(callTimeoutMs, limits.timeoutMsMax ?? callTimeoutMs);
        return gateway.callTool({ ...invocation, arguments: outgoing, timeoutMs }, { signal });
      },
      results,
    );
    if (reply.type === 'input-required') {
      throw new HostError('failed_precondition', `${name} asks for input, which only a run gives`, {
        facts: { tool: name, call_id: callId },
      });
    }
    const { content, isError, isTruncated } = reply;
    const duration = durationFromMs(Math.round(now() - startedMs));
    return { callId, content, isError, truncated: isTruncated, duration };
  };
}

/** A tool that is held back is told from one that never was: its tenant may look at it, and somebody may approve it. */
function notThere(
  gateway: Pick<McpGateway, 'pins'>,
  { tenant }: Principal,
  name: string,
): HostError {
  const pin = gateway.pins.list(tenant).find((known) => known.name === name);
  const isHeldBack = pin?.state === 'new' || pin?.state === 'quarantined';
  const why = isHeldBack
    ? `${name} is held back until its definition is approved (tools approve ${pin.alias})`
    : `there is no tool ${name}`;
  return new HostError('mcp_tool_not_found', why, { facts: { tool: name } });
}

function readArguments(name: string, argumentsJson: string): JsonObject {
  const reader = createFieldReader();
  reader.text('name', name, { min: 1, max: 128 });
  reader.bytes('arguments_json', argumentsJson, argumentsBytesMax);
  refuseIfAny(reader);
  const values = readJsonObject(argumentsJson);
  if (values !== undefined) return values;
  reader.refuse('arguments_json', 'must be the text of a JSON object');
  refuseIfAny(reader);
  return {};
}

/** A JSON object from its text; an empty text is an empty object, and undefined is given for everything else. */
export function readJsonObject(text: string): JsonObject | undefined {
  if (text === '') return {};
  try {
    const value = parseJsonText(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const results: DirectResults<ToolReply> = {
  outcomeOf,
  answerOf,
  // What it asks for is shown to nobody.
  map: (reply, change) =>
    reply.type === 'answer' ? { ...reply, content: changeContent(reply, change) } : reply,
};

function changeContent({ content, isTruncated }: ToolAnswer, change: AnswerChange): string {
  return isTruncated
    ? change.piece({ before: '', text: content, isCut: true })
    : change.text(content);
}

function answerOf(reply: ToolReply): DirectAnswer | undefined {
  if (reply.type === 'input-required') return undefined;
  const { content } = reply;
  return {
    bytes: Buffer.byteLength(content),
    text: () => content,
  };
}

function outcomeOf(reply: ToolReply): string {
  if (reply.type === 'input-required') return 'input-required';
  return reply.isError ? 'tool_error' : 'answered';
}
