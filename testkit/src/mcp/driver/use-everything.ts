import type { Json, JsonObject } from '@modelhost/kernel';
import type { Exchange, McpGateway, RelayTool } from '@modelhost/mcp-gateway';
import type { WantedCall } from './context.ts';
import { sampleOf, type HeadlessUser } from './headless-user.ts';

/** Who uses what. */
export interface UseOptions {
  readonly gateway: McpGateway;
  readonly user: HeadlessUser;
  readonly server: string;
  /** Calls that take the place of those we would think of. */
  readonly wanted: readonly WantedCall[];
}

const roundsMax = 10;
const timeoutMs = 60_000;
/** This tool of the suite wants to be told what it is told of another one. */
const echoTool = 'json_schema_echo';

/** Calls every tool, gets every prompt and reads every resource, all at the same time; failures are for the suite to judge. */
export async function useEverything(options: UseOptions): Promise<void> {
  const { gateway, user, server } = options;
  const { tools, prompts, resources } = gateway.relay.catalogue(user.principal.tenant);
  const calls = tools.flatMap((tool) => callsOf(tool, tools, options.wanted));
  const reads: readonly Exchange[] = [
    ...prompts.map(
      ({ listed }) => ({ method: 'prompts/get', params: toPromptParams(listed) }) as const,
    ),
    ...resources.map(
      ({ listed: { uri = '' } }) => ({ method: 'resources/read', params: { uri } }) as const,
    ),
  ];
  const outcomes = await Promise.allSettled([
    ...calls.map(({ tool, params }) =>
      run(options, { alias: server, tool }, { method: 'tools/call', params }),
    ),
    ...reads.map((exchange) => run(options, { alias: server }, exchange)),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') console.error(outcome.reason);
}

/** One exchange, through all that the server asks meanwhile. */
async function run(
  { gateway, user }: UseOptions,
  target: { readonly alias: string; readonly tool?: RelayTool },
  { method, params }: Exchange,
): Promise<void> {
  const { principal, capabilities } = user;
  const { signal } = new AbortController();
  const context = { principal, capabilities, signal, timeoutMs, meta: {} };
  let next = params;
  for (let round = 0; round < roundsMax; round += 1) {
    const outcome = await gateway.relay.exchange(target, { method, params: next }, context); // oxlint-disable-line no-await-in-loop
    if (outcome.kind !== 'input-required') return;
    const { inputRequests, requestState } = outcome;
    const answers: [string, JsonObject][] = [];
    for (const [key, request] of Object.entries(inputRequests)) {
      answers.push([key, await user.answer(request)]); // oxlint-disable-line no-await-in-loop
    }
    const state = requestState === undefined ? {} : { requestState };
    next = { ...params, ...state, inputResponses: Object.fromEntries(answers) };
  }
}

interface Call {
  readonly tool: RelayTool;
  readonly params: JsonObject;
}

function callsOf(
  tool: RelayTool,
  tools: readonly RelayTool[],
  wanted: readonly WantedCall[],
): readonly Call[] {
  const { serverTool: name, listed } = tool;
  const toCall = (values: Json): Call => ({ tool, params: { name, arguments: values } });
  if (wanted.length > 0) {
    return wanted.filter((call) => call.name === name).map((call) => toCall(call.arguments));
  }
  const focal = tools.find(({ serverTool }) => serverTool === 'json_schema_2020_12_tool');
  const schema = focal?.listed['inputSchema'];
  if (name === echoTool && schema !== undefined) return [toCall({ schema })];
  return [toCall(sampleOf(listed['inputSchema']))];
}

function toPromptParams({ name = '', arguments: named }: JsonObject): JsonObject {
  const values = Array.isArray(named) ? named : [];
  const entries = values.map((argument: JsonObject) => [argument['name'], 'text']);
  return { name, arguments: Object.fromEntries(entries) as JsonObject };
}
