/** The fixture as a server of the SDK, of either era. */
import {
  createRequestStateCodec,
  isInputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type CallToolResult,
  type ClientCapabilities,
  type GetPromptResult,
  type InputRequiredResult,
  type Prompt,
  type ServerContext,
  type Tool,
} from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';
import { askingTools } from './asking-tools.ts';
import { plainTool, textResult, type Call } from './behaviour.ts';
import { askLive } from './live.ts';
import { plainTools, toggledTool } from './plain-tools.ts';
import { prompts } from './prompts.ts';
import { readResource, resources, resourceTemplates } from './resources.ts';
import { taskTools } from './task-tools.ts';
import type { World } from './world.ts';

/** The era of a connection: which of the two ways to ask a client there is. */
export type Era = 'legacy' | 'modern';

const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';
/** What a request of the modern era says of its client. */
interface Envelope {
  readonly [capabilitiesKey]?: ClientCapabilities;
}

const roundsMax = 8;
const tools = [
  ...plainTools,
  ...askingTools,
  ...taskTools,
  plainTool(toggledTool, 'Comes and goes', () => textResult('Still here.')),
];
/** One for the process: in the modern era every request may meet another instance. */
const codec = createRequestStateCodec({ key: randomBytes(32) });

/** Makes a server for one connection, or for one request of the modern era. */
export function createEverythingServer(world: World, era: Era): Server {
  const server = new Server(
    { name: 'everything-fixture', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
      instructions: 'Everything that the conformance suite asks for.',
      requestState: { verify: (state, context) => codec.verify(state, context) },
    },
  );
  serveLists(server, world);
  serveResources(server, world, era);
  serveCalls(server, world, era);
  return server;
}

function serveLists(server: Server, world: World): void {
  server.setRequestHandler('tools/list', () => {
    world.note('tools/list', undefined);
    return { tools: visible(tools) };
  });
  server.setRequestHandler('prompts/list', () => {
    world.note('prompts/list', undefined);
    return { prompts: visible(prompts) };
  });
  server.setRequestHandler('completion/complete', ({ params }) => {
    const { ref, argument } = params;
    world.note('completion/complete', ref.type === 'ref/prompt' ? ref.name : ref.uri);
    const values = ['paris', 'park', 'party', 'test'].filter((v) => v.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });

  function visible<Item extends Tool | Prompt>(
    items: readonly { readonly definition: Item }[],
  ): Item[] {
    return items.map(({ definition }) => definition).filter(({ name }) => !world.isHidden(name));
  }
}

function serveResources(server: Server, world: World, era: Era): void {
  server.setRequestHandler('resources/list', () => {
    world.note('resources/list', undefined);
    return { resources: [...resources] };
  });
  server.setRequestHandler('resources/templates/list', () => {
    world.note('resources/templates/list', undefined);
    return { resourceTemplates: [...resourceTemplates] };
  });
  server.setRequestHandler('resources/read', ({ params }) => {
    world.note('resources/read', params.uri);
    return readResource(params.uri);
  });
  if (era === 'modern') return;
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    world.note('resources/subscribe', params.uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    world.note('resources/unsubscribe', params.uri);
    return {};
  });
}

function serveCalls(server: Server, world: World, era: Era): void {
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    world.note('tools/call', params.name);
    const tool = find(tools, params.name);
    return answer<CallToolResult>(async (call) => tool.run(call), params.arguments ?? {}, context);
  });
  server.setRequestHandler('prompts/get', async ({ params }, context) => {
    world.note('prompts/get', params.name);
    const prompt = find(prompts, params.name);
    return answer<GetPromptResult>(
      async (call) => prompt.run(call),
      params.arguments ?? {},
      context,
    );
  });

  /** In the legacy era what is asked for is fetched here, round by round. */
  async function answer<Result extends CallToolResult | GetPromptResult>(
    run: (call: Call) => Promise<Result | InputRequiredResult>,
    args: Readonly<Record<string, unknown>>,
    context: ServerContext,
  ): Promise<Result | InputRequiredResult> {
    let call = toCall(server, world, args, context);
    let outcome = await run(call);
    if (era === 'modern') return outcome;
    for (let round = 0; isAsking(outcome); round += 1) {
      if (round === roundsMax) throw new ProtocolError(ProtocolErrorCode.InternalError, 'Rounds');
      const { inputRequests = {}, requestState: sealed } = outcome;
      const answers = await askLive(inputRequests, call.capabilities, context);
      const state = sealed === undefined ? undefined : await codec.verify(sealed, context);
      call = { ...call, answers, state };
      outcome = await run(call);
    }
    return outcome;
  }
}

function isAsking(outcome: object): outcome is InputRequiredResult {
  return isInputRequiredResult(outcome);
}

function toCall(
  server: Server,
  world: World,
  args: Readonly<Record<string, unknown>>,
  context: ServerContext,
): Call {
  const { mcpReq, http } = context;
  const progressToken = mcpReq['_meta']?.progressToken;
  const envelope: Envelope | undefined = mcpReq.envelope;
  const declared = envelope?.[capabilitiesKey];
  return {
    arguments: args,
    answers: mcpReq.inputResponses,
    state: mcpReq.requestState(),
    capabilities: declared ?? server.getClientCapabilities() ?? {},
    signal: mcpReq.signal,
    world,
    async progress(progress, total) {
      if (progressToken === undefined) return;
      const params = { progressToken, progress, total };
      await mcpReq.notify({ method: 'notifications/progress', params });
    },
    log: (text) => mcpReq.log('info', text),
    dropStream: () => http?.closeSSE?.(),
    seal: (payload) => codec.mint(payload),
  };
}

function find<Item extends { readonly definition: { readonly name: string } }>(
  items: readonly Item[],
  name: string,
): Item {
  const found = items.find(({ definition }) => definition.name === name);
  if (found !== undefined) return found;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown: ${name}`);
}
