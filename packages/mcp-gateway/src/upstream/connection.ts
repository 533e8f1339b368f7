import type { HostError } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { untilAborted } from '../until-aborted.ts';
import { messageBytesMaxOf } from '../server-spec.ts';
import { failed, toFailure } from './failures.ts';
import { createHttpWire } from './http-wire.ts';
import { isEndedByProbe, negotiate } from './negotiation.ts';
import type { EraVerdict } from './negotiation.ts';
import { createOpenConnection } from './open-connection.ts';
import type { Connection, OpenConnection, OpenConnectionOptions } from './open-connection.ts';
import type { EndingTimes } from './process/process-group.ts';
import type { ProcessGroups } from './process/process-groups.ts';
import { createStdioWire } from './stdio-wire.ts';
import { wireErrorCodes } from './wire-errors.ts';
import type { OwnWire, StrayMessages } from './wire.ts';

export type { ConnectionChange } from './changes.ts';
export type { EraVerdict } from './negotiation.ts';
export type { Connection } from './open-connection.ts';

/** A connection that is not open yet. */
export interface NewConnection {
  /** Negotiates before `deadline` aborts, else rejects with its reason. To be called once. */
  open(deadline: AbortSignal): Promise<Connection>;
  /** Ends it at any time, also while `open` runs. Once resolved, nothing of it is left. */
  close(): Promise<void>;
}

/** What a connection is made of. */
export interface ConnectionOptions extends OpenConnectionOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly endingTimes: EndingTimes;
  /** The process groups that run. */
  readonly groups: ProcessGroups;
  /** The way to a server over HTTP, with its credential. */
  readonly fetch: OutboundFetch;
  readonly prior: EraVerdict | undefined;
}

/** Nothing is started before `open`. */
export function createConnection(options: ConnectionOptions): NewConnection {
  const { spec, prior, hide } = options;
  let wire: OwnWire | undefined;
  let opened: OpenConnection | undefined;
  let isClosed = false;

  async function open(deadline: AbortSignal): Promise<Connection> {
    deadline.throwIfAborted();
    return await untilAborted(openEither(), deadline);
  }

  async function openEither(): Promise<Connection> {
    try {
      return await openOnce(prior);
    } catch (cause) {
      // Some old servers end when they are asked for the modern protocol: that is an answer too.
      const isOld = wire !== undefined && prior === undefined && isEndedByProbe(cause, wire);
      if (!isOld || isClosed) throw toOpenFailure(cause);
      await wire?.close();
    }
    return await openOnce({ kind: 'legacy' }).catch((cause: unknown) => {
      throw toOpenFailure(cause);
    });
  }

  async function openOnce(known: EraVerdict | undefined): Promise<Connection> {
    if (isClosed) throw failed('mcp_connection_failed', spec.alias, 'its connection is closed');
    const fresh = createWire(options, {
      onStray: (message) => opened?.receive(message) ?? false,
      onEnd: (failure) => opened?.end(failure),
    });
    wire = fresh;
    const negotiated = await negotiate({ ...options, wire: fresh, prior: known, onFault });
    opened = createOpenConnection(options, { wire: fresh, negotiated, close });
    return opened;
  }

  function onFault(error: Error): void {
    // Our own word for a stream that ended comes also behind an answer, where it is of no account.
    const isNoise = error.message.includes(`"code":${wireErrorCodes.streamEnded}`);
    if (isNoise || isClosed) return;
    options.log('gateway', error.message);
  }

  function toOpenFailure(cause: unknown): HostError {
    const transportFailure = wire?.failure();
    const { alias: server, connectTimeoutMs: timeoutMs } = spec;
    return toFailure(cause, { server, timeoutMs, transportFailure, hide });
  }

  async function close(): Promise<void> {
    isClosed = true;
    opened?.end(undefined);
    await wire?.close();
  }

  return { open, close };
}

function createWire(options: ConnectionOptions, stray: StrayMessages): OwnWire {
  const { spec } = options;
  const { alias: server, transport, memoryBytesMax } = spec;
  const messageBytesMax = messageBytesMaxOf(spec);
  return transport.type === 'stdio'
    ? createStdioWire({ ...options, ...stray, server, transport, messageBytesMax, memoryBytesMax })
    : createHttpWire({ ...options, ...stray, server, ...transport });
}
