import { HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type {
  JsonObject,
  Principal,
  ToolDefinition,
  ToolGateway,
  ToolInputRequest,
  ToolInvocation,
  ToolProgress,
  ToolReply,
} from '@modelhost/kernel';
import type { CatalogueTool } from './catalogue/catalogue-tool.ts';
import { nothingHidden, shortLine, shortText } from './hiding.ts';
import type { HideText } from './hiding.ts';
import type { ExchangeContext, InputRequest, McpRelay } from './relay.ts';
import { withFacts } from './upstream/failures.ts';

/** What a caller works with. */
export interface ToolCallerOptions {
  readonly relay: McpRelay;
  /** Throws `mcp_tool_not_found`. */
  readonly toolFor: (tenant: string, name: string) => CatalogueTool;
  /** Makes the text for the model. */
  readonly toReply: (result: JsonObject, called: CalledTool) => Promise<ToolReply>;
  readonly hide: HideText;
}

/** The part of a gateway that has to do with calls. */
export type ToolCaller = Pick<ToolGateway, 'callTool' | 'abandonCall'>;

/** A call and what it called. */
export interface CalledTool {
  readonly tool: CatalogueTool;
  readonly invocation: ToolInvocation;
}

const idempotencyMetaKey = 'modelhost/idempotency-key';

/** Calls tools for agent runs, over the same relay as everybody else. */
export function createToolCaller(options: ToolCallerOptions): ToolCaller {
  const { hide } = options;
  const callTool: ToolCaller['callTool'] = async (invocation, { signal, onProgress }) => {
    signal.throwIfAborted();
    const tool = options.toolFor(invocation.principal.tenant, invocation.tool);
    const { server: alias, serverTool: name } = tool.definition;
    const params = { name, arguments: invocation.arguments, ...toResumption(invocation) };
    const target = { alias, tool: tool.relay };
    const context = toContext(invocation, signal, tellIn(onProgress, hide));
    try {
      const exchange = { method: 'tools/call', params } as const;
      const outcome = await options.relay.exchange(target, exchange, context);
      switch (outcome.kind) {
        case 'complete':
          return await options.toReply(outcome.result, { tool, invocation });
        case 'input-required':
          return {
            type: 'input-required',
            state: JSON.stringify({ server: alias, requestState: outcome.requestState }),
            requests: toRequests(outcome.inputRequests, alias),
          };
        case 'error':
          throw refused(alias, outcome.error, hide);
      }
    } catch (cause) {
      if (!(cause instanceof HostError)) throw cause;
      throw ofTool(cause, tool.definition);
    }
  };

  function abandonCall(principal: Principal, state: string): void {
    const { server, requestState } = readState(state) ?? {};
    if (server === undefined || requestState === undefined) return;
    options.relay.abandon(principal, server, requestState);
  }

  return { callTool, abandonCall };
}

/** The gateway speaks of its server; whoever called a tool knows that tool. */
function ofTool(failure: HostError, { server, name: tool }: ToolDefinition): HostError {
  const { code, message, facts, cause, retryAfterMs } = withFacts(failure, { server, tool });
  const start = `${server}: `;
  const said = message.startsWith(start) ? `${tool}: ${message.slice(start.length)}` : message;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new HostError(code, said, { facts, cause, ...wait });
}

function toContext(
  { principal, timeoutMs, idempotencyKey, canAnswer = [] }: ToolInvocation,
  signal: AbortSignal,
  onProgress: ExchangeContext['onProgress'],
): ExchangeContext {
  // A server that asks for anything else is refused at once, and can do without it.
  const capabilities: JsonObject = {
    ...(canAnswer.includes('elicitation/create') ? { elicitation: { form: {}, url: {} } } : {}),
    ...(canAnswer.includes('sampling/createMessage') ? { sampling: {} } : {}),
  };
  const common = { principal, signal, timeoutMs, capabilities };
  const meta = { [idempotencyMetaKey]: idempotencyKey };
  return onProgress === undefined ? { ...common, meta } : { ...common, meta, onProgress };
}

function tellIn(
  onProgress: ((progress: ToolProgress) => void) | undefined,
  hide: HideText,
): ExchangeContext['onProgress'] {
  return onProgress && ((params) => onProgress(readProgress(params, hide)));
}

/** A server that tells nothing usable has at least told that it lives. */
function readProgress({ progress, total, message }: JsonObject, hide: HideText): ToolProgress {
  return {
    progress: typeof progress === 'number' ? progress : 0,
    total: typeof total === 'number' ? total : undefined,
    message: typeof message === 'string' ? shortText(message, hide) : '',
  };
}

/** The state that comes back is our own, but it was somewhere else meanwhile. */
function toResumption({ tool, resume }: ToolInvocation): JsonObject {
  if (resume === undefined) return {};
  const state = readState(resume.state);
  if (state === undefined) {
    const message = `${tool}: the state to go on from is not one of this gateway`;
    throw new HostError('validation_failed', message, { facts: { tool } });
  }
  const { requestState } = state;
  const inputResponses = { ...resume.answers };
  return requestState === undefined ? { inputResponses } : { inputResponses, requestState };
}

interface CallState {
  readonly server: string;
  /** The server may keep none. */
  readonly requestState: string | undefined;
}

function readState(text: string): CallState | undefined {
  try {
    const state = parseJsonText(text);
    const { server, requestState } = isJsonObject(state) ? state : {};
    const isState = requestState === undefined || typeof requestState === 'string';
    return typeof server === 'string' && isState ? { server, requestState } : undefined;
  } catch {
    // No JSON, so none of ours.
    return undefined;
  }
}

function toRequests(
  requests: Readonly<Record<string, InputRequest>>,
  server: string,
): Readonly<Record<string, ToolInputRequest>> {
  return Object.fromEntries(
    Object.entries(requests).map(([key, { method, params }]) => {
      // Roots are told from the configuration, before anybody else hears of the question.
      if (method === 'roots/list')
        throw refused(server, { code: 0, message: 'it asks for roots' }, nothingHidden.text);
      return [key, { method, params }];
    }),
  );
}

function refused(
  server: string,
  error: { readonly code: number; readonly message: string },
  hide: HideText,
): HostError {
  const text = shortLine(error.message, hide);
  const message = `${server}: it answered error ${error.code}: ${text}`;
  const facts = { sent: 'true', rpc_code: String(error.code) };
  return new HostError('mcp_protocol_error', message, { facts });
}
