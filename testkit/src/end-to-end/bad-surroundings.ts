import { endingOf, specOf, toolOutcomeOf } from './bad-input-world.ts';
import type { Row } from './bad-input-world.ts';
import type { MockAnswer } from './mock-provider.ts';

function tool(title: string, name: string, argumentsText: string, expected: object): Row {
  return {
    title,
    act: (world) => toolOutcomeOf(world, name, argumentsText),
    expected: { ...expected, run: 'COMPLETED' },
  };
}

function misfit(title: string, argumentsText: string, field: string, description: string): Row {
  return tool(title, 'tools__echo', argumentsText, {
    outcome: 'INVALID_ARGUMENTS',
    code: 'tool_arguments_invalid',
    facts: { tool: 'tools__echo', field },
    message: `${field}: ${description}`,
  });
}

const noObject = 'must be the text of one JSON object';

/** Tool calls that a model should not make; the model learns of each, and the run goes on. */
export const badToolCalls: readonly Row[] = [
  misfit('arguments that are no JSON', '{"text":', 'arguments', noObject),
  misfit('arguments that are a list', '["a"]', 'arguments', noObject),
  misfit('arguments without a required one', '{}', 'text', 'is required'),
  misfit('an argument of another type', '{"text":5}', 'text', 'must be string'),
  misfit(
    'an argument that the tool has not',
    '{"text":"a","more":1}',
    'more',
    'is not allowed here',
  ),
  misfit(
    'an argument named __proto__',
    '{"text":"a","__proto__":{}}',
    '__proto__',
    'is not allowed here',
  ),
  tool('a tool that there is not', 'tools__fly', '{}', {
    outcome: 'FAILED',
    code: 'mcp_tool_not_found',
    facts: { tool: 'tools__fly' },
    message: 'there is no tool tools__fly for this agent',
  }),
  tool('a tool that policy forbids', 'tools__forbidden', '{"text":"a"}', {
    outcome: 'DENIED',
    code: 'policy_violation',
    facts: { tool: 'tools__forbidden', rule: 'no-tool' },
    message: 'this tool is not for agents (no-tool)',
  }),
];

function server(title: string, name: string, code: string, reason: string, facts = {}): Row {
  const [alias] = name.split('__');
  // Without an answer nobody knows whether the call had its effect.
  const isAnswered = code !== 'mcp_connection_failed' && code !== 'mcp_timeout';
  return tool(title, name, '{"text":"a"}', {
    outcome: isAnswered ? 'FAILED' : 'UNKNOWN',
    code,
    facts: { server: alias, tool: name, sent: 'true', ...facts },
    message: `${name}: ${reason}`,
  });
}

/** Tool servers that misbehave. */
export const badToolServers: readonly Row[] = [
  tool('a tool of a server that died at its start', 'dead__echo', '{}', {
    outcome: 'FAILED',
    code: 'mcp_tool_not_found',
    facts: { tool: 'dead__echo' },
    message: 'there is no tool dead__echo for this agent',
  }),
  server(
    'a server that dies in the middle of a call',
    'tools__die',
    'mcp_connection_failed',
    'its process ended (exit code 3)',
  ),
  server('a server that hangs', 'slow__wait', 'mcp_timeout', 'no answer in 200 ms', {
    timeout_ms: '200',
  }),
  server(
    'a server that floods',
    'tools__flood',
    'mcp_result_too_large',
    'a message has more than 1048576 bytes',
  ),
  server(
    'a server that answers broken JSON',
    'tools__garbage',
    'mcp_protocol_error',
    'it wrote something that is not of the protocol',
  ),
  server(
    'a server that answers in a wrong shape',
    'tools__shapeless',
    'mcp_protocol_error',
    'its answer is not of the protocol',
  ),
  server(
    'a server that answers with an error of the protocol',
    'tools__refuse',
    'mcp_protocol_error',
    'it answered error -32000: out of paper',
    { rpc_code: '-32000' },
  ),
  tool('a tool that fails', 'tools__fail', '{"text":"a"}', { outcome: 'TOOL_ERROR' }),
  tool('a result beyond the cap', 'tools__large', '{"text":"a"}', {
    outcome: 'OK',
    truncated: true,
    // The last line tells where the rest is, and leaves room for more digits than it has; what may be half a word is left to the rest.
    bytes: 1_018,
  }),
];

function provider(
  title: string,
  answer: MockAnswer,
  code: string,
  said: {
    readonly facts?: object;
    readonly message: string;
    readonly agent?: string;
    readonly retry?: object;
  },
): Row {
  const { facts, message, agent = 'worker', retry } = said;
  const name = agent === 'unreachable' ? 'closed' : 'mock';
  return {
    title,
    act: (world) => endingOf(world, specOf(answer, { agent })),
    expected: {
      ending: 'FAILED',
      code,
      facts: { provider: name, ...facts },
      message: `${name}${message}`,
      ...retry,
    },
  };
}

function status(title: string, number: number, body: string, code: string, facts: object): Row {
  const answer: MockAnswer = {
    type: 'error',
    status: number,
    headers: { 'retry-after': '7' },
    body,
  };
  return provider(title, answer, code, {
    facts: { status: String(number), ...facts },
    message: ': said by the mock',
    // The mock always advises; only where waiting helps it is passed on.
    retry: number === 429 || number >= 500 ? { retryAfterMs: 7_000 } : {},
  });
}

const said = '{"error":{"message":"said by the mock","type":"sort","code":"word"}}';
const words = { type: 'sort', code: 'word' };

/** Providers that misbehave. */
export const badProviders: readonly Row[] = [
  provider(
    'a provider that nobody can reach',
    { type: 'text', deltas: 1 },
    'provider_unavailable',
    {
      agent: 'unreachable',
      facts: { reason: 'ECONNREFUSED' },
      message: ': the connection failed (ECONNREFUSED)',
    },
  ),
  status('a provider that refuses the key', 401, said, 'provider_unauthorized', words),
  status('a provider that limits the rate', 429, said, 'provider_rate_limited', words),
  status('a provider with an inner fault', 500, said, 'provider_unavailable', words),
  status('a provider that rejects the request', 400, said, 'provider_rejected', words),
  provider(
    'a provider that answers with a web page',
    { type: 'raw', contentType: 'text/html', body: '<title>Welcome</title>' },
    'provider_invalid_response',
    { message: ': the answer is a web page' },
  ),
  provider(
    'a provider that answers with another type of content',
    { type: 'raw', contentType: 'application/json', body: '[1]' },
    'provider_invalid_response',
    { message: ': the answer is not a JSON object' },
  ),
  provider(
    'a provider that streams garbage',
    { type: 'raw', contentType: 'text/event-stream', body: 'data: {"choices":[{\n\n' },
    'provider_invalid_response',
    { message: ': an event of the answer is not a JSON object' },
  ),
  provider('a provider whose stream breaks', { type: 'cut' }, 'provider_unavailable', {
    facts: { reason: 'UND_ERR_SOCKET' },
    message: ': the connection failed (UND_ERR_SOCKET)',
  }),
  provider('a provider that stays silent', { type: 'silent', id: 'silent' }, 'provider_timeout', {
    agent: 'hasty',
    facts: { phase: 'total', timeout_ms: '300' },
    message: ' did not finish its answer in 300 ms',
  }),
  provider(
    'a small answer that becomes large',
    { type: 'gzip-bomb' },
    'provider_invalid_response',
    {
      message: ': the answer is larger than 33554432 bytes',
    },
  ),
  {
    title: 'an answer that goes on beyond its tokens',
    act: (world) =>
      endingOf(world, specOf({ type: 'endless' }, { sampling: { maxOutputTokens: 64 } })),
    expected: {
      ending: 'FAILED',
      code: 'provider_invalid_response',
      facts: {},
      message:
        'the provider went on past the length that it was asked for, and the host cut it off',
    },
  },
];
