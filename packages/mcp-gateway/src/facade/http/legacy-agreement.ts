import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, Principal } from '@modelhost/kernel';
import { isLogLevel } from '../../log-level.ts';
import type { FacadeCaller, FacadeChange, FacadeCore } from '../core-types.ts';
import { invalidParams, rpcCodes } from '../rpc-errors.ts';
import { negotiateVersion } from './legacy-versions.ts';
import { createLegacyWatches } from './legacy-watches.ts';
import type { LegacyAnswer } from './legacy-watches.ts';
import { rpcNotification } from './rpc-message.ts';

/** What a client before 2026-07-28 and we know of each other. */
export interface Agreement {
  /** Answers the requests that concern the session itself; undefined for those of the core. */
  answer(method: string, params: JsonObject): LegacyAnswer | Promise<LegacyAnswer> | undefined;
  caller(): FacadeCaller;
  /** Undefined before `initialize`. */
  version(): string | undefined;
  logLevel(): string;
  /** Stops to listen and to watch. */
  close(): void;
}

/** What an agreement needs. */
export interface AgreementOptions {
  readonly core: FacadeCore;
  readonly principal: Principal;
  readonly send: (message: JsonObject) => void;
  readonly agreed: { readonly version: string; readonly capabilities: JsonObject } | undefined;
  readonly subscriptionsMax: number;
}

/** Holds the handshake, the log level and the subscriptions of one session, and forwards changes. */
export function createAgreement(options: AgreementOptions): Agreement {
  const { core, principal, send, agreed } = options;
  const watches = createLegacyWatches({ core, watchesMax: options.subscriptionsMax });
  let version = agreed?.version;
  let caller: FacadeCaller = callerOf(principal, agreed?.capabilities ?? {});
  // Without a level of the client the server may choose; this is what a person wants to see.
  let logLevel = 'info';
  let stopListening: (() => void) | undefined;

  function initialize({ protocolVersion, capabilities }: JsonObject): LegacyAnswer {
    if (version !== undefined) return refuse('The session is initialized already');
    if (typeof protocolVersion !== 'string') return missing('protocolVersion');
    if (!isJsonObject(capabilities)) return missing('capabilities');
    const asking = callerOf(principal, capabilities);
    const { instructions, serverInfo, capabilities: ours } = core.presentation(asking);
    version = negotiateVersion(protocolVersion);
    caller = asking;
    stopListening = core.onChange(caller, (change) => forward(change, send, watches.has));
    const shown = instructions === '' ? {} : { instructions };
    return { result: { protocolVersion: version, capabilities: ours, serverInfo, ...shown } };
  }

  function setLevel({ level }: JsonObject): LegacyAnswer {
    if (!isLogLevel(level)) return { error: invalidParams('level is not a log level') };
    logLevel = level;
    return { result: {} };
  }

  return {
    answer: (method, params) => {
      if (method === 'ping') return { result: {} };
      if (method === 'initialize') return initialize(params);
      if (version === undefined) return refuse('The first request is initialize');
      if (method === 'logging/setLevel') return setLevel(params);
      if (method === 'resources/subscribe') return watches.watch(caller, params['uri']);
      if (method === 'resources/unsubscribe') return watches.unwatch(params['uri']);
      return undefined;
    },
    caller: () => caller,
    version: () => version,
    logLevel: () => logLevel,
    close: () => {
      stopListening?.();
      watches.close();
    },
  };
}

function forward(
  change: FacadeChange,
  send: (message: JsonObject) => void,
  isWatched: (uri: string) => boolean,
): void {
  switch (change.type) {
    case 'tools':
    case 'prompts':
    case 'resources':
      send(rpcNotification(`notifications/${change.type}/list_changed`));
      return;
    case 'resource-updated':
      if (!isWatched(change.uri)) return;
      send(rpcNotification('notifications/resources/updated', { uri: change.uri }));
      return;
    case 'task':
      // Tasks of 2026-07-28 do not exist here.
      return;
  }
}

function callerOf(principal: Principal, capabilities: JsonObject): FacadeCaller {
  return { principal, capabilities, era: 'legacy' };
}

function refuse(message: string): LegacyAnswer {
  return { error: { code: rpcCodes.invalidRequest, message } };
}

function missing(member: string): LegacyAnswer {
  return { error: invalidParams(`${member} is missing`) };
}
