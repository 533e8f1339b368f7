import { Client, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import type { PriorDiscovery } from '@modelcontextprotocol/client';
import type { JsonObject } from '@modelhost/kernel';
import type { ToolServerSpec } from '../server-spec.ts';
import type { OwnWire } from './wire.ts';

/** What is known of a server's protocol. It may be kept for as long as the server stays the same. */
export type EraVerdict = PriorDiscovery;

/** What a server and we agreed on. */
export interface Negotiated {
  readonly client: Client;
  readonly version: string;
  readonly isModern: boolean;
  readonly verdict: EraVerdict;
  readonly capabilities: JsonObject;
  readonly instructions: string;
}

/** What negotiating needs. */
export interface NegotiationOptions {
  readonly spec: ToolServerSpec;
  readonly clientVersion: string;
  readonly wire: OwnWire;
  readonly prior: EraVerdict | undefined;
  readonly onFault: (error: Error) => void;
}

/** Who connects. */
export const clientName = 'model-host';

/**
 * What a server before 2026-07-28 is told once for all callers. A request for input that the caller of the moment cannot
 * answer is refused when it comes.
 */
const legacyCapabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

/**
 * Both protocol eras. Over stdio the question goes over the connection itself: our transport is not the SDK's, which
 * would start a second process just to ask. A server that keeps silent gets half of the time, then the old handshake.
 */
export async function negotiate(options: NegotiationOptions): Promise<Negotiated> {
  const { spec, wire, prior } = options;
  const client = createClient(options);
  Object.assign(client, { onerror: options.onFault });
  const timeout = spec.connectTimeoutMs;
  await client.connect(wire.transport, { timeout, ...(prior === undefined ? {} : { prior }) });
  const version = client.getNegotiatedProtocolVersion() ?? '';
  const discover = client.getDiscoverResult();
  const isModern = client.getProtocolEra() === 'modern';
  wire.adopt({ version, isModern });
  return {
    client,
    version,
    isModern,
    verdict: discover === undefined ? { kind: 'legacy' } : { kind: 'modern', discover },
    // The SDK read it from JSON.
    capabilities: (client.getServerCapabilities() ?? {}) as JsonObject,
    instructions: client.getInstructions() ?? '',
  };
}

/** Whether a server ended when it was asked for the modern protocol, as some old ones do. */
export function isEndedByProbe(cause: unknown, wire: OwnWire): boolean {
  const isUndecided = cause instanceof SdkError && cause.code === SdkErrorCode.EraNegotiationFailed;
  return isUndecided && wire.failure()?.code === 'mcp_connection_failed';
}

function createClient({ spec, clientVersion }: NegotiationOptions): Client {
  const isStdio = spec.transport.type === 'stdio';
  const timeoutMs = Math.ceil(spec.connectTimeoutMs / (isStdio ? 2 : 1));
  return new Client(
    { name: clientName, version: clientVersion },
    {
      capabilities: legacyCapabilities,
      versionNegotiation: { mode: 'auto', probe: { timeoutMs } },
      inputRequired: { autoFulfill: false },
    },
  );
}
