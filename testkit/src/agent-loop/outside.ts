import assert from 'node:assert/strict';
import { HostError, sha256Hex } from '@modelhost/kernel';
import type {
  AuditRecord,
  FinishReason,
  JsonSchemas,
  LlmProvider,
  ModelEvent,
  ModelRequest,
  PolicyEngine,
  PolicyRequest,
  RedactionStyles,
  TokenUsage,
  ToolAnswer,
  ToolDefinition,
  ToolGateway,
  ToolInvocation,
  ToolProgress,
  ToolReply,
} from '@modelhost/kernel';
import type { AgentLoopPorts, CallLedger } from '@modelhost/agent-core';
import { createBudgetLedger, createCallLedger } from '@modelhost/agent-core';
import { createHostRedactor } from '@modelhost/redaction';
import { completeDecision, policyDigest } from './decision.ts';
import type { GivenDecision } from './decision.ts';

/** What the model says in one turn. */
export interface ModelTurn {
  readonly text?: string;
  readonly reasoning?: string;
  /** Comes before all else, just as it stands here. */
  readonly pieces?: readonly ModelEvent[];
  /** Names and arguments (JSON text) of the calls that it asks for. */
  readonly calls?: readonly (readonly [tool: string, argumentsText: string])[];
  readonly finishReason?: FinishReason;
  readonly usage?: TokenUsage;
  readonly error?: HostError;
  /** Streams nothing more until it is aborted. */
  readonly hangs?: boolean;
}

/** The world around the loop, with everything that reached it. */
export interface Outside {
  readonly ports: AgentLoopPorts;
  readonly requests: readonly ModelRequest[];
  readonly questions: readonly PolicyRequest[];
  readonly records: readonly AuditRecord[];
  readonly calls: readonly ToolInvocation[];
  /** States of calls that were given up. */
  readonly abandoned: readonly string[];
}

/** What the world does; what is left out works and allows. */
export interface OutsideOptions {
  readonly turns: readonly ModelTurn[];
  /** What the model says to requests that are no turns, such as for a summary; undefined for a turn. */
  readonly answerAside?: (request: ModelRequest) => ModelTurn | undefined;
  readonly tools?: readonly ToolDefinition[];
  readonly callTool?: (
    invocation: ToolInvocation,
    signal: AbortSignal,
    onProgress: (progress: ToolProgress) => void,
  ) => Promise<ToolReply>;
  /** What a search finds; undefined when none is expected. */
  readonly searchTools?: ToolGateway['searchTools'];
  /** What is done with a call that was given up, beside noting it. */
  readonly abandonCall?: ToolGateway['abandonCall'];
  /** What is kept of long results; undefined when nobody is expected to read on. */
  readonly readResult?: ToolGateway['readResult'];
  readonly schemas?: JsonSchemas;
  readonly decide?: (request: PolicyRequest) => GivenDecision | Promise<GivenDecision>;
  /** What of the tools may be seen; all of them where it is left out. */
  readonly visible?: PolicyEngine['visible'];
  readonly calls?: CallLedger;
  readonly sessions?: AgentLoopPorts['sessions'];
  /** What is hidden whatever policy says; nothing where it is left out. */
  readonly always?: RedactionStyles;
  /** Kinds of records that cannot be written. */
  readonly unwritable?: readonly AuditRecord['kind'][];
}

/** Small stand-ins for what lies outside: model, tools, policy, audit file, keys. */
export function createOutside(options: OutsideOptions): Outside {
  const requests: ModelRequest[] = [];
  const questions: PolicyRequest[] = [];
  const records: AuditRecord[] = [];
  const calls: ToolInvocation[] = [];
  const abandoned: string[] = [];
  const { tools = [createTool('desk__read', 'none')], always = {} } = options;

  const ports: AgentLoopPorts = {
    providers: new Map([['fake', createProvider(options, requests)]]),
    tools: {
      listTools: () => tools,
      searchTools: options.searchTools ?? (() => assert.fail('nobody should search')),
      checkArguments: (_tool, values) => checkNoBad(values),
      callTool: async (invocation, { signal, onProgress = () => {} }) => {
        calls.push(invocation);
        return options.callTool === undefined
          ? textAnswer(`result of ${invocation.tool}`)
          : options.callTool(invocation, signal, onProgress);
      },
      abandonCall: (principal, state) => {
        abandoned.push(state);
        options.abandonCall?.(principal, state);
      },
      readResult: options.readResult ?? (() => assert.fail('nobody should read on')),
      servers: () => [],
      close: async () => {},
    },
    schemas: options.schemas ?? { compile: () => (value) => checkNoBad(value) },
    policy: {
      decide: async (request) => {
        questions.push(request);
        return completeDecision((await options.decide?.(request)) ?? { effect: 'allow' });
      },
      visible: options.visible ?? (async (_asker, listed) => listed),
      digest: () => policyDigest,
    },
    audit: {
      append: async (record) => {
        if (options.unwritable?.includes(record.kind) === true) {
          throw new HostError('audit_unavailable', 'the disk is full');
        }
        records.push(record);
        return { index: records.length - 1, hash: '' };
      },
      head: () => undefined,
      check: async () => {},
      close: async () => {},
    },
    keys: {
      seal: (text) => ({ keyId: 'k1', data: Buffer.from(text).toString('base64') }),
      unseal: ({ data }) => Buffer.from(data, 'base64').toString(),
      commit: (text, context) => `commit(${context}, ${text.length})`,
    },
    redactor: createHostRedactor({ always, keys: vaultKeys }),
    budgets: createBudgetLedger(),
    calls: options.calls ?? createCallLedger(),
    ...(options.sessions === undefined ? {} : { sessions: options.sessions }),
  };
  return { ports, requests, questions, records, calls, abandoned };
}

/** Keys under which what differs is kept apart. */
const vaultKeys: AgentLoopPorts['keys'] = {
  seal: (text, context) => ({
    keyId: 'v1',
    data: Buffer.from(`${context}\n${text}`).toString('base64'),
  }),
  unseal: ({ data }, context) => {
    const text = Buffer.from(data, 'base64').toString();
    assert.ok(text.startsWith(`${context}\n`));
    return text.slice(context.length + 1);
  },
  commit: (text, context) => sha256Hex(`${context}\n${text}`),
};

/** A plain answer of a tool. */
export function textAnswer(content: string): ToolAnswer {
  return { type: 'answer', content, isError: false, isTruncated: false };
}

/** A tool of the server `desk`, or of the client. */
export function createTool(name: string, effect: ToolDefinition['effect']): ToolDefinition {
  const isHost = name.includes('__');
  return {
    name,
    description: `Does ${name}.`,
    inputSchema: { type: 'object' },
    effect,
    integrity: 'untrusted',
    decisionArguments: [],
    server: isHost ? 'desk' : 'client',
    serverTool: name.slice(name.lastIndexOf('_') + 1),
    executor: isHost ? 'host' : 'client',
  };
}

function checkNoBad(value: unknown): readonly { field: string; description: string }[] {
  const isBad = typeof value === 'object' && value !== null && 'bad' in value;
  return isBad ? [{ field: 'bad', description: 'must be absent' }] : [];
}

function createProvider(
  { turns, answerAside }: OutsideOptions,
  requests: ModelRequest[],
): LlmProvider {
  let asides = 0;

  function turnFor(request: ModelRequest): ModelTurn {
    const aside = answerAside?.(request);
    if (aside !== undefined) asides += 1;
    return aside ?? turns[requests.length - asides - 1] ?? {};
  }

  async function* stream(
    request: ModelRequest,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<ModelEvent, void> {
    // The list goes on growing after the call, so the test gets what stands in it now.
    requests.push({ ...request, messages: [...request.messages] });
    const turn = turnFor(request);
    yield* turn.pieces ?? [];
    if (turn.reasoning !== undefined) yield { type: 'reasoning-delta', text: turn.reasoning };
    for (const word of (turn.text ?? '').split(/(?<= )/)) {
      if (word !== '') yield { type: 'text-delta', text: word };
    }
    if (turn.error !== undefined) throw turn.error;
    if (turn.hangs === true) {
      signal.throwIfAborted();
      await new Promise<never>((_resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the port says that the signal's reason is thrown.
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    const calls = turn.calls ?? [];
    for (const [name, argumentsText] of calls) {
      // Every call has the same id, as some providers do it.
      yield { type: 'tool-call', call: { id: 'same', name, arguments: argumentsText } };
    }
    const finishReason = turn.finishReason ?? (calls.length > 0 ? 'tool-calls' : 'stop');
    const stats = { model: 'fake-1-real', finishReason, usage: turn.usage, responseId: 'same' };
    yield { type: 'done', stats };
  }
  return { stream, check: async () => {}, close: async () => {} };
}
