import { lookup as resolveName } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { HostError } from '@modelhost/kernel';
import { buildConnector } from 'undici';
import { rangeOf } from './address-ranges.ts';

/** An address that a name stands for. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Addresses of a name. It is asked once for every connection, and the connection goes to what it said then. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** Which addresses may be reached. */
export interface AddressPolicy {
  readonly server: string;
  readonly baseUrl: URL;
  readonly allowPrivateNetwork: boolean;
  readonly resolve: Resolve;
}

/** Connects only where the policy lets it. */
export interface GuardedConnector {
  readonly connect: buildConnector.connector;
  /** Throws `mcp_connection_failed` for a URL that `connect` would refuse, or that is neither http nor https. */
  check(url: URL): Promise<void>;
}

/** The system's resolver. */
export const resolveByDns: Resolve = async (hostname) => await resolveName(hostname, { all: true });

/**
 * Addresses are judged after resolution, and the socket goes to exactly those that were judged: no second look-up can say
 * something else. A name with even one forbidden address is refused as a whole. Host header and TLS name stay the name's.
 */
export function createGuardedConnector(
  policy: AddressPolicy,
  connectTimeoutMs: number,
): GuardedConnector {
  /** The addresses of a name, all of them allowed. */
  async function addressesOf(hostname: string, port: string): Promise<readonly ResolvedAddress[]> {
    const family = isIP(hostname);
    const addresses =
      family === 0 ? await policy.resolve(hostname) : [{ address: hostname, family }];
    const refused = addresses.find(
      ({ address }) => !isAllowed(address, isOwnLoopback(policy.baseUrl, hostname, port), policy),
    );
    if (refused !== undefined) throw refusal(policy.server, hostname, refused.address);
    if (addresses.length === 0) throw refusal(policy.server, hostname, 'no address');
    return addresses;
  }

  function connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    const hostname = withoutBrackets(options.hostname);
    const refuse = (cause: Error): void => callback(cause, null);
    void addressesOf(hostname, portOf(options.protocol, options.port))
      .then((addresses) => {
        const lookup = pinnedLookup(addresses);
        const open = buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup });
        open({ ...options, hostname }, callback);
      })
      .catch((cause: unknown) => {
        refuse(cause instanceof Error ? cause : new Error(String(cause)));
      });
  }

  async function check(url: URL): Promise<void> {
    checkScheme(policy.server, url);
    await addressesOf(withoutBrackets(url.hostname), portOf(url.protocol, url.port));
  }

  return { connect, check };
}

/** Throws `mcp_connection_failed` for a URL that is neither http nor https. */
export function checkScheme(server: string, { protocol }: URL): void {
  if (protocol === 'https:' || protocol === 'http:') return;
  const cause = new Error(`the scheme is ${protocol}`);
  const message = `${server}: not an http or https URL`;
  throw new HostError('mcp_connection_failed', message, { facts: { server }, cause });
}

/** What the socket is told when it asks for the addresses of the name. */
function pinnedLookup(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function isAllowed(
  address: string,
  isOwnOrigin: boolean,
  { allowPrivateNetwork }: AddressPolicy,
): boolean {
  switch (rangeOf(address)) {
    case 'public':
      return true;
    case 'loopback':
      return allowPrivateNetwork || isOwnOrigin;
    case 'private':
      return allowPrivateNetwork;
    case 'forbidden':
      return false;
  }
}

/** Whether the operator's own URL says in plain words that the server is on this machine, and this is that origin. */
function isOwnLoopback(baseUrl: URL, hostname: string, port: string): boolean {
  const own = withoutBrackets(baseUrl.hostname);
  const isPlainlyLoopback = own === 'localhost' || (isIP(own) !== 0 && rangeOf(own) === 'loopback');
  return isPlainlyLoopback && own === hostname && portOf(baseUrl.protocol, baseUrl.port) === port;
}

function portOf(protocol: string, port: string): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** The message does not tell what an inner name resolves to; our log does. */
function refusal(server: string, hostname: string, address: string): HostError {
  const message = `${server}: the address of ${hostname} may not be reached`;
  const cause = new Error(`${hostname} is ${address}`);
  return new HostError('mcp_connection_failed', message, { facts: { server }, cause });
}
