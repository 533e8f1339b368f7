import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { Exchange, RelayTool, RelayedMethod, RpcError } from '../relay.ts';
import { invalidParams } from './rpc-errors.ts';
import type { ShownTool, ViewIndex } from './view-index.ts';

/** A request for one upstream, in that upstream's names. */
export interface RelayedRequest {
  readonly target: { readonly alias: string; readonly tool?: RelayTool };
  readonly exchange: Exchange;
  /** The tool that is called, as the view has it. */
  readonly shown?: ShownTool;
}

/** Either a request, or why there is none. */
export type ReadRequest =
  | { readonly kind: 'request'; readonly request: RelayedRequest }
  | { readonly kind: 'error'; readonly error: RpcError };

/** The request of a tool call. The arguments are forwarded as the object that came: what is checked is what is sent. */
export function readToolCall(name: string, values: JsonObject, index: ViewIndex): ReadRequest {
  const shown = index.tools.get(name);
  if (shown === undefined) return refused(`unknown tool: ${name.slice(0, 128)}`);
  const { tool } = shown;
  const params = { name: tool.serverTool, arguments: values };
  const target = { alias: tool.alias, tool };
  return {
    kind: 'request',
    request: { target, exchange: { method: 'tools/call', params }, shown },
  };
}

/** The request for a prompt. */
export function readPromptGet(params: JsonObject, index: ViewIndex): ReadRequest {
  const { name, arguments: values } = params;
  if (typeof name !== 'string') return refused('params.name must be the name of a prompt');
  if (values !== undefined && !isTexts(values)) {
    return refused('params.arguments must be an object of texts');
  }
  const prompt = index.prompts.get(name);
  if (prompt === undefined) return refused(`unknown prompt: ${name.slice(0, 128)}`);
  const own = { name: prompt.bare, ...(values === undefined ? {} : { arguments: values }) };
  return toRequest(prompt.item.alias, 'prompts/get', own);
}

/** The request for a resource. */
export function readResourceRead(params: JsonObject, index: ViewIndex): ReadRequest {
  const { uri } = params;
  if (typeof uri !== 'string') return refused('params.uri must be the URI of a resource');
  const address = index.uris.find(uri);
  if (address === undefined) return { kind: 'error', error: resourceNotFound(uri) };
  return toRequest(address.alias, 'resources/read', { uri: address.uri });
}

/** The request for a completion; undefined when the server of what is completed knows no completions. */
export function readCompletion(params: JsonObject, index: ViewIndex): ReadRequest | undefined {
  const { ref, argument, context } = params;
  if (!isJsonObject(argument)) return refused('params.argument must be an object');
  if (typeof argument['name'] !== 'string' || typeof argument['value'] !== 'string') {
    return refused('params.argument.name and params.argument.value must be texts');
  }
  if (context !== undefined && !isJsonObject(context)) {
    return refused('params.context must be an object');
  }
  const found = readReference(ref, index);
  if (found.kind === 'error') return found;
  const server = index.servers.find(({ alias }) => alias === found.alias);
  if (server?.capabilities['completions'] === undefined) return undefined;
  const own = { ref: found.ref, argument, ...(context === undefined ? {} : { context }) };
  return toRequest(found.alias, 'completion/complete', own);
}

type FoundReference =
  | { readonly kind: 'reference'; readonly alias: string; readonly ref: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError };

function readReference(ref: Json | undefined, index: ViewIndex): FoundReference {
  if (!isJsonObject(ref)) return refused('params.ref must be an object');
  const { type, name, uri } = ref;
  if (type === 'ref/prompt' && typeof name === 'string') {
    const prompt = index.prompts.get(name);
    if (prompt === undefined) return refused(`unknown prompt: ${name.slice(0, 128)}`);
    return {
      kind: 'reference',
      alias: prompt.item.alias,
      ref: { ...ref, name: prompt.bare },
    };
  }
  if (type === 'ref/resource' && typeof uri === 'string') {
    const address = index.uris.find(uri);
    if (address === undefined) return { kind: 'error', error: resourceNotFound(uri) };
    return { kind: 'reference', alias: address.alias, ref: { ...ref, uri: address.uri } };
  }
  return refused('params.ref must be a ref/prompt with a name, or a ref/resource with a uri');
}

/** There is no such resource, or nobody of the view has it. */
function resourceNotFound(uri: string): RpcError {
  return { ...invalidParams('resource not found'), data: { uri: uri.slice(0, 2_048) } };
}

function toRequest(alias: string, method: RelayedMethod, params: JsonObject): ReadRequest {
  return { kind: 'request', request: { target: { alias }, exchange: { method, params } } };
}

function refused(message: string): { readonly kind: 'error'; readonly error: RpcError } {
  return { kind: 'error', error: invalidParams(message) };
}

function isTexts(value: Json): value is JsonObject {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string');
}
