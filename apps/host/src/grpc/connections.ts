import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { ConnectionInjector } from '@grpc/grpc-js';
import { HostError } from '@modelhost/kernel';

/** Connections beyond the maximum that are still answered, so that their callers learn why. */
const overLimitMax = 16;
/** How long such a connection stays. */
const overLimitMs = 5_000;

/** The listener of the gRPC port; it counts connections, which grpc-js itself does not. */
export interface Connections {
  readonly address: AddressInfo;
  /** Whether the connection of a peer (`address:port`) is one too many. */
  isOverLimit(peer: string): boolean;
  count(): number;
  /** Takes no new connections; resolves at once. */
  stop(): void;
  /** Cuts what is left. */
  destroy(): void;
}

/** Listens. Throws `config_invalid` when the address cannot be had. */
export async function listenForConnections(options: {
  readonly host: string;
  readonly port: number;
  readonly maxConnections: number;
  readonly injector: ConnectionInjector;
}): Promise<Connections> {
  const { host, port, maxConnections, injector } = options;
  const sockets = new Set<Socket>();
  const overLimit = new Set<string>();

  function accept(socket: Socket): void {
    if (sockets.size >= maxConnections + overLimitMax) {
      socket.destroy();
      return;
    }
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    // Those that are one too many do not count: whoever asks again and again must not keep the room of others.
    const isOver = sockets.size - overLimit.size >= maxConnections;
    const timer = isOver ? setTimeout(() => socket.destroy(), overLimitMs) : undefined;
    sockets.add(socket);
    if (isOver) overLimit.add(peer);
    socket.once('close', () => {
      clearTimeout(timer);
      sockets.delete(socket);
      overLimit.delete(peer);
    });
    injector.injectConnection(socket);
  }

  const listener = createServer({ noDelay: true }, accept);
  await new Promise<void>((resolve, reject) => {
    listener.once('error', (cause) => {
      const message = `${host}:${port}: the host cannot listen here (${cause.message})`;
      reject(new HostError('config_invalid', message, { cause }));
    });
    listener.listen(port, host, resolve);
  });
  return {
    // A listener on TCP has an address of this kind.
    address: listener.address() as AddressInfo,
    isOverLimit: (peer) => overLimit.has(peer),
    count: () => sockets.size,
    stop: () => listener.close(),
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
