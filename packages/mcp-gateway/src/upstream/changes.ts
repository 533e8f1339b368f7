import type { Client } from '@modelcontextprotocol/client';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Clock, JsonObject } from '@modelhost/kernel';
import { failed } from './failures.ts';
import type { ListKind } from './lists.ts';
import type { Requester } from './requester.ts';
import type { RpcNotification, RpcRequest } from './rpc-message.ts';
import { createSubscription } from './subscription.ts';

/** Something that changed at the server. */
export type ConnectionChange =
  | { readonly type: ListKind }
  | { readonly type: 'resource-updated'; readonly uri: string };

/** Hears of changes at a server, in the way of its era. */
export interface Changes {
  /** A notification of the server. Says whether it was about a change. */
  receive(message: RpcRequest | RpcNotification): boolean;
  /** Has changes of the resource reported, if the server can. Rejects when a server before 2026-07-28 refuses. */
  readonly watch: (uri: string) => Promise<void>;
  readonly unwatch: (uri: string) => Promise<void>;
  close(): void;
}

/** What hearing of changes needs. */
export interface ChangesOptions {
  readonly server: string;
  readonly client: Client;
  readonly isModern: boolean;
  readonly capabilities: JsonObject;
  readonly timeoutMs: number;
  readonly request: Requester;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: (message: string) => void;
  readonly onChange: (change: ConnectionChange) => void;
}

const kinds = ['tools', 'prompts', 'resources'] as const satisfies readonly ListKind[];
/** Resources whose changes one connection reports. */
export const watchedMax = 256;

/** Reads what the notifications of either era say. */
function readChange({ method, params }: RpcNotification): ConnectionChange | undefined {
  if (method === 'notifications/resources/updated') {
    const { uri } = params;
    return typeof uri === 'string' ? { type: 'resource-updated', uri } : undefined;
  }
  const type = kinds.find((kind) => method === `notifications/${kind}/list_changed`);
  return type === undefined ? undefined : { type };
}

/** Hears at once of what its server reports by itself; of resources, when they are watched. */
export function createChanges(options: ChangesOptions): Changes {
  const { capabilities, onChange } = options;
  const watched = new Set<string>();
  const listed = kinds.filter((kind) => reportsChanges(capabilities[kind]));
  const subscription = options.isModern
    ? createSubscription({ ...options, onReopened: tellAll })
    : undefined;
  void listen();

  function receive(message: RpcRequest | RpcNotification): boolean {
    const change = message.type === 'notification' ? readChange(message) : undefined;
    if (change === undefined) return false;
    if (change.type !== 'resource-updated' || watched.has(change.uri)) onChange(change);
    return true;
  }

  function tellAll(): void {
    for (const type of listed) onChange({ type });
    for (const uri of watched) onChange({ type: 'resource-updated', uri });
  }

  async function watch(uri: string): Promise<void> {
    if (watched.has(uri)) return;
    if (watched.size >= watchedMax)
      throw new HostError('overloaded', 'too many resources are watched');
    watched.add(uri);
    try {
      await setWatching('resources/subscribe', uri);
    } catch (cause) {
      watched.delete(uri);
      throw cause;
    }
  }

  async function unwatch(uri: string): Promise<void> {
    if (watched.delete(uri)) await setWatching('resources/unsubscribe', uri);
  }

  async function setWatching(method: string, uri: string): Promise<void> {
    if (!canSubscribe(capabilities['resources'])) return;
    if (subscription !== undefined) return await listen();
    const answer = await options.request(method, { uri }, options.timeoutMs);
    if (answer.kind === 'result') return;
    const { code } = answer.error;
    const facts = { rpc_code: String(code) };
    const reason = `${method}: it answered error ${code}`;
    throw failed('mcp_protocol_error', options.server, reason, { facts });
  }

  async function listen(): Promise<void> {
    await subscription?.listenTo({
      ...(listed.includes('tools') ? { toolsListChanged: true } : {}),
      ...(listed.includes('prompts') ? { promptsListChanged: true } : {}),
      ...(listed.includes('resources') ? { resourcesListChanged: true } : {}),
      ...(watched.size > 0 ? { resourceSubscriptions: [...watched] } : {}),
    });
  }

  return { receive, watch, unwatch, close: () => subscription?.close() };
}

function reportsChanges(capability: unknown): boolean {
  return isJsonObject(capability) && capability['listChanged'] === true;
}

function canSubscribe(capability: unknown): boolean {
  return isJsonObject(capability) && capability['subscribe'] === true;
}
