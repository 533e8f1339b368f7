import { canonicalJson, HostError } from '@modelhost/kernel';
import type {
  ErrorCode,
  FieldViolation,
  JsonObject,
  JsonSchemas,
  ToolGateway,
  ToolInputRequest,
  ToolInvocation,
  ToolProgress,
  ToolReply,
} from '@modelhost/kernel';
import { drawAccount } from './accounts.ts';
import { drawText, tellsMailbox, tellsSecret, withoutMailboxes } from './canaries.ts';
import { pause } from './pause.ts';
import type { Random } from './random.ts';
import { tools } from './scenario.ts';
import { drawPadding } from './window.ts';
import { stepOf } from './world.ts';
import type { HostWorld } from './world.ts';

interface CallScript {
  readonly delayMs: number;
  readonly ending: 'ok' | 'tool-error' | 'failed';
  readonly errorCode: ErrorCode;
  readonly content: string;
  /** It does not notice that nobody waits any more. */
  readonly isDeaf: boolean;
  /** What it wants to know before it answers; null for nothing. */
  readonly request: ToolInputRequest | null;
  readonly progress: readonly number[];
}

/**
 * Tools that answer, ask back, fail, lose the answer, are slow or never come back. Every call counts as an effect from its
 * start; a call that goes on with answers is the same effect.
 */
export function createFakeTools(world: HostWorld): ToolGateway {
  const { clock, outside, facts, open, count, isFenced } = world;

  async function callTool(
    { tool, arguments: values, idempotencyKey, timeoutMs, resume }: ToolInvocation,
    { signal, onProgress }: CallOptions,
  ): Promise<ToolReply> {
    const { runId, step, life } = stepOf(world, idempotencyKey);
    const effect = tools.find(({ name }) => name === tool)?.effect;
    const isReadOnly = effect === 'none';
    const about = {
      runId,
      step,
      key: idempotencyKey,
      isRepeatable: isReadOnly || effect === 'idempotent',
      life,
      isFenced: isFenced(),
    };
    const call = callText(tool, values);
    if (checkArguments(tool, values).length > 0)
      facts.violate('L2', `bad arguments reached ${tool}`);
    if (resume === undefined) {
      const sent = JSON.stringify(values);
      if (tellsSecret(sent)) facts.violate('I8', `${runId}: a tool is told`);
      const said = { call, isReadOnly, tellsMailbox: tellsMailbox(sent), timeoutMs };
      facts.add({ type: 'effect', ...about, ...said });
    } else {
      facts.add({ type: 'resumed', ...about, answers: resume.answers });
    }
    const id = `tool/${runId}/${step}/${count(`tool/${runId}/${step}`)}`;
    const script = outside.take(id, drawCall);
    const content = script.content + drawAccount(world, id);
    open.add(id);
    try {
      const wakeOn = script.isDeaf ? undefined : signal;
      for (const progress of script.progress)
        onProgress?.({ progress, total: 5, message: content });
      await pause(clock, Math.min(script.delayMs, timeoutMs), wakeOn);
      if (script.delayMs > timeoutMs) throw new HostError('mcp_timeout', 'the fake tool is slow');
      if (script.ending === 'failed')
        throw new HostError(script.errorCode, `it failed: ${content}`);
      const { ending, request } = script;
      if (request !== null) {
        return { type: 'input-required', state: id, requests: { ask: request } };
      }
      const answer = content + drawPadding(world, id);
      return {
        type: 'answer',
        content: answer,
        isError: ending === 'tool-error',
        isTruncated: false,
      };
    } finally {
      open.delete(id);
    }
  }

  return {
    listTools: () => tools,
    searchTools: (_query, names, limit) =>
      tools
        .filter(({ name }) => names.includes(name))
        .slice(0, limit)
        .map((tool) => ({ tool, score: 1 })),
    checkArguments,
    callTool,
    abandonCall: () => {},
    readResult: () => undefined,
    servers: () => [],
    close: async () => {},
  };
}

interface CallOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ToolProgress) => void;
}

/** Tool and arguments as one text, to tell calls apart, whatever of the arguments is hidden. */
export function callText(tool: string, values: JsonObject): string {
  return withoutMailboxes(`${tool} ${canonicalJson(values)}`);
}

function checkArguments(tool: string, values: JsonObject): readonly FieldViolation[] {
  if (!tools.some(({ name }) => name === tool)) {
    throw new HostError('mcp_tool_not_found', `there is no tool ${tool}`);
  }
  return checkValue(values);
}

function checkValue(values: JsonObject): readonly FieldViolation[] {
  return typeof values['value'] === 'string'
    ? []
    : [{ field: 'value', description: 'must be a text' }];
}

/** Schemas of the simulated world: that of its tools, and `{ type: 'object' }`. */
export const fakeSchemas: JsonSchemas = {
  compile: (schema) => (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [{ field: '', description: 'must be an object' }];
    }
    // An array was excluded above, which the compiler does not see through `readonly Json[]`.
    return schema['required'] === undefined ? [] : checkValue(value as JsonObject);
  },
};

function drawCall(random: Random): CallScript {
  const roll = random.next();
  return {
    // More than the timeout of 400 ms: it never comes back.
    delayMs: random.chance(0.08) ? random.int(300, 2_000) : random.int(0, 80),
    ending: roll < 0.8 ? 'ok' : roll < 0.9 ? 'tool-error' : 'failed',
    errorCode: random.pick(['mcp_connection_failed', 'mcp_protocol_error', 'mcp_result_too_large']),
    content: drawText(random, 'content '.repeat(random.int(0, 6))),
    isDeaf: random.chance(0.03),
    request: random.chance(0.15) ? drawRequest(random) : null,
    progress: Array.from({ length: random.chance(0.2) ? random.int(1, 6) : 0 }, () =>
      random.int(0, 5),
    ),
  };
}

function drawRequest(random: Random): ToolInputRequest {
  if (random.chance(0.3)) {
    const content = { type: 'text', text: drawText(random, 'What do you think?') };
    const maxTokens = random.int(1, 500);
    return {
      method: 'sampling/createMessage',
      params: { messages: [{ role: 'user', content }], maxTokens },
    };
  }
  return {
    method: 'elicitation/create',
    params: {
      message: drawText(random, 'Really?'),
      requestedSchema: random.chance(0.9)
        ? { type: 'object', properties: { value: { type: 'string' } }, required: ['value'] }
        : { type: 'string' },
    },
  };
}
