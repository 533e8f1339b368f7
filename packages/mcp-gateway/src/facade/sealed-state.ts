import {
  canonicalJson,
  HostError,
  isJsonObject,
  parseJsonText,
  sha256Hex,
} from '@modelhost/kernel';
import type { Json, JsonObject, Keys, Principal } from '@modelhost/kernel';
import type { RelayedMethod } from '../relay.ts';

/** What a state says of the request that it goes on with. */
export interface StateOrigin {
  readonly principal: Principal;
  readonly alias: string;
  readonly method: RelayedMethod;
  /** As the client sent them; answers, state and `_meta` do not count. */
  readonly params: JsonObject;
}

/** Turns an upstream's own state into one that only the same principal can use, for the same request, for a while. */
export interface SealedStates {
  /** Throws `mcp_protocol_error` when the upstream's state is too large. */
  seal(upstreamState: string, origin: StateOrigin): string;
  /** The upstream's state; undefined for anything that is not a state of exactly this request, whatever is wrong. */
  open(state: string, origin: StateOrigin): string | undefined;
  /** The upstream's state and whose it is, for the principal it was sealed for, whatever the request. */
  read(
    state: string,
    principal: Principal,
  ): { readonly alias: string; readonly state: string } | undefined;
}

/** What states are made with. */
export interface SealedStatesOptions {
  readonly keys: Keys;
  readonly view: string;
  readonly now: () => number;
  readonly randomId: () => string;
  readonly ttlMs: number;
  readonly bytesMax: number;
}

/** Nothing is kept here: whatever holds the keys can open a state. */
export function createSealedStates(options: SealedStatesOptions): SealedStates {
  const { keys, view, now, randomId, ttlMs, bytesMax } = options;

  function contextOf({ tenant, subject }: Principal): string {
    return JSON.stringify(['mcp-request-state', view, tenant, subject]);
  }

  function seal(upstreamState: string, origin: StateOrigin): string {
    const { alias, method } = origin;
    const text = JSON.stringify({
      alias,
      method,
      digest: digestOf(origin.params),
      state: upstreamState,
      expiresAtMs: now() + ttlMs,
      nonce: randomId(),
    });
    const { data, keyId } = keys.seal(text, contextOf(origin.principal));
    const state = `${data}.${keyId}`;
    if (state.length > bytesMax) {
      const facts = { server: alias };
      throw new HostError('mcp_protocol_error', 'the state of the request is too large', { facts });
    }
    return state;
  }

  function open(state: string, origin: StateOrigin): string | undefined {
    const sealed = unseal(state, origin.principal);
    return sealed !== undefined && isOf(sealed, origin) ? sealed.state : undefined;
  }

  function unseal(state: string, principal: Principal): Sealed | undefined {
    if (state.length > bytesMax) return undefined;
    const end = state.indexOf('.');
    const data = state.slice(0, Math.max(end, 0));
    // One text for one state: a decoder forgives what a comparison would not.
    if (end < 0 || Buffer.from(data, 'base64').toString('base64') !== data) return undefined;
    try {
      const text = keys.unseal({ data, keyId: state.slice(end + 1) }, contextOf(principal));
      return readSealed(parseJsonText(text), now());
    } catch {
      // Which of the checks failed helps only whoever made the state up.
      return undefined;
    }
  }

  return { seal, open, read: unseal };
}

/** What is in a state that has not expired. */
interface Sealed {
  readonly alias: string;
  readonly state: string;
  readonly method: Json | undefined;
  readonly digest: Json | undefined;
}

function readSealed(sealed: Json, nowMs: number): Sealed | undefined {
  if (!isJsonObject(sealed)) return undefined;
  const { alias, state, method, digest, expiresAtMs } = sealed;
  if (typeof alias !== 'string' || typeof state !== 'string') return undefined;
  if (typeof expiresAtMs !== 'number' || nowMs >= expiresAtMs) return undefined;
  return { alias, state, method, digest };
}

function isOf(sealed: Sealed, { alias, method, params }: StateOrigin): boolean {
  try {
    return sealed.alias === alias && sealed.method === method && sealed.digest === digestOf(params);
  } catch {
    // A request that is nested too deeply has no digest.
    return false;
  }
}

function digestOf(params: JsonObject): string {
  const { inputResponses: _answers, requestState: _state, _meta, ...rest } = params;
  const plain: Readonly<Record<string, Json>> = rest;
  return sha256Hex(canonicalJson(plain));
}
