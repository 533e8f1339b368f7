import type { Principal } from '@modelhost/kernel';
import type { Catalogues } from './catalogue/catalogues.ts';
import { hideLists } from './catalogue/hide-lists.ts';
import { createCredentials } from './credentials/credentials.ts';
import type { Credentials, CredentialsOptions } from './credentials/credentials.ts';
import { createTokenMemory } from './credentials/token-store.ts';
import { createOutboundFetch } from './outbound/outbound-fetch.ts';
import type { OutboundFetch } from './outbound/outbound-fetch.ts';
import { nothingHidden } from './hiding.ts';
import type { HideDefinition, Hiding } from './hiding.ts';
import type { RelayChange } from './relay.ts';
import { messageBytesMaxOf } from './server-spec.ts';
import type { ToolServerLogEntry, ToolServerSpec } from './server-spec.ts';
import { createUpstream } from './upstream/supervisor.ts';
import type { Upstream, UpstreamOptions } from './upstream/supervisor.ts';

/** An upstream with all that belongs to it: its configuration, its credential, its way out. */
export interface SuppliedUpstream {
  readonly spec: ToolServerSpec;
  readonly upstream: Upstream;
  /** Undefined for a server over stdio. */
  readonly credentials: Credentials | undefined;
  readonly log: (message: string) => void;
  close(): Promise<void>;
}

/** What an upstream needs from the gateway. */
export interface SupplyOptions extends Pick<
  UpstreamOptions,
  'clientVersion' | 'environment' | 'endingTimes' | 'groups' | 'clock' | 'random' | 'times' | 'spec'
> {
  readonly catalogues: Catalogues;
  /** Absent: nothing is hidden. */
  readonly hiding?: Hiding | undefined;
  readonly log: (alias: string, source: ToolServerLogEntry['source'], message: string) => void;
  readonly onChange: (change: RelayChange) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly randomId: () => string;
  /** Where grants survive a restart; in memory when absent. */
  readonly tokenStore?: CredentialsOptions['tokenStore'];
  readonly idTokenFor?: CredentialsOptions['idTokenFor'];
}

/** Nothing is started before the upstream is. */
export function supplyUpstream(options: SupplyOptions): SuppliedUpstream {
  const { spec, catalogues, randomId, hiding } = options;
  const { alias } = spec;
  const log = (source: ToolServerLogEntry['source'], message: string): void =>
    options.log(alias, source, message);
  const way = createWayOut(options);
  const upstream = createUpstream({
    ...options,
    ...way,
    hide: (hiding ?? nothingHidden).text,
    newId: randomId,
    log,
    isCatalogueKnown: () => catalogues.toolCount(alias) + catalogues.quarantined(alias) > 0,
    onLists: createListTaker(options, log),
    onResourceChange: options.onChange,
  });

  async function close(): Promise<void> {
    await upstream.close();
    await way.close();
  }

  return {
    spec,
    upstream,
    credentials: way.credentials,
    log: (message) => log('gateway', message),
    close,
  };
}

/** What a server lists comes into the catalogue hidden, and in the order in which it was listed. */
function createListTaker(
  { spec, catalogues, hiding }: SupplyOptions,
  log: (source: ToolServerLogEntry['source'], message: string) => void,
): UpstreamOptions['onLists'] {
  const { alias } = spec;
  if (hiding === undefined) {
    return async (lists, from) => catalogues.update(alias, lists, from);
  }
  let last = Promise.resolve();

  async function take(
    [lists, from]: Parameters<UpstreamOptions['onLists']>,
    hide: HideDefinition,
  ): Promise<void> {
    const { capabilities } = from;
    const { instructions } = hide({ instructions: from.instructions });
    const shown = await hideLists(lists, { hide, log: (message) => log('gateway', message) });
    const text = typeof instructions === 'string' ? instructions : '';
    await catalogues.update(alias, shown, { capabilities, instructions: text });
  }

  return async (...listed) => {
    const taken = last.then(async () => take(listed, hiding.definition));
    last = taken.catch(() => {});
    return taken;
  };
}

/** How requests reach a server, as whom. */
interface WayOut {
  readonly subjectOf: (principal: Principal) => string;
  readonly fetchFor: (principal: Principal) => OutboundFetch;
  readonly credentials: Credentials | undefined;
  close(): Promise<void>;
}

function createWayOut(options: SupplyOptions): WayOut {
  const { spec } = options;
  const { alias: server, transport } = spec;
  if (transport.type === 'stdio') {
    return {
      subjectOf: () => '',
      fetchFor: () => noWayOut,
      credentials: undefined,
      close: async () => {},
    };
  }
  const { url } = transport;
  const fetch = createOutboundFetch({
    server,
    baseUrl: url,
    allowPrivateNetwork: spec.allowPrivateNetwork,
    messageBytesMax: messageBytesMaxOf(spec),
    requestTimeoutMs: Math.max(spec.listTimeoutMs, spec.callTimeoutMs),
    connectTimeoutMs: spec.connectTimeoutMs,
    clock: options.clock,
  });
  const credentials = createCredentials({
    server,
    serverUrl: url,
    spec: spec.credential,
    fetch,
    tokenStore: options.tokenStore ?? createTokenMemory(),
    now: options.now,
    randomId: options.randomId,
    ...(options.idTokenFor === undefined ? {} : { idTokenFor: options.idTokenFor }),
  });
  return {
    subjectOf: (principal) => credentials.subjectOf(principal),
    fetchFor: (principal) => credentials.outboundFor(principal),
    credentials,
    close: () => fetch.close(),
  };
}

/** A server over stdio is not reached by requests. */
const noWayOut: OutboundFetch = Object.assign(refuse, {
  request: refuse,
  check: refuse,
  close: async () => {},
});

async function refuse(): Promise<never> {
  throw new TypeError('a server over stdio has no URL');
}
