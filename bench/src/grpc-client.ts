/** A gRPC client that does as little as possible, so that the load costs less than what is measured. */
import type { IncomingHttpHeaders } from 'node:http';
import { connect, type ClientHttp2Session } from 'node:http2';
import { frame } from './pipe.ts';

/** One server-streaming call. */
export interface Call {
  readonly path: string;
  readonly message: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for every message, in order. The bytes are valid until it returns. */
  readonly onMessage: (message: Buffer) => void;
}

/** A client of one server. */
export interface GrpcClient {
  /** Settles when the stream ended; rejects on any status but OK. */
  call(call: Call): Promise<void>;
  /** Ends every connection and the calls on it. */
  close(): void;
}

/** Opens a few connections, and spreads the calls over them. */
export function createGrpcClient(port: number, connections = 4): GrpcClient {
  const sessions = Array.from({ length: connections }, () => openSession(port));
  let calls = 0;

  function call({ path, message, headers, onMessage }: Call): Promise<void> {
    const session = sessions[calls % sessions.length];
    calls += 1;
    if (session === undefined) return Promise.reject(new Error('the client has no connection'));
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      const read = createFrameReader(onMessage);
      let status: string | undefined;
      let detail = '';
      const readStatus = (fields: IncomingHttpHeaders): void => {
        status = fields['grpc-status']?.toString() ?? status;
        detail = decodeURIComponent(fields['grpc-message']?.toString() ?? detail);
      };
      stream.on('response', readStatus);
      stream.on('trailers', readStatus);
      stream.on('data', read);
      stream.on('error', reject);
      stream.on('close', () => {
        if (status === '0') resolve();
        else reject(new Error(`${path} ended with status ${status ?? 'none'}: ${detail}`));
      });
      stream.end(frame(message));
    });
  }

  return { call, close: () => sessions.forEach((session) => session.destroy()) };
}

/** Cuts a stream of bytes into gRPC messages, however the bytes come. */
export function createFrameReader(onMessage: (message: Buffer) => void): (data: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (data) => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    let start = 0;
    while (pending.length - start >= 5) {
      const end = start + 5 + pending.readUInt32BE(start + 1);
      if (end > pending.length) break;
      onMessage(pending.subarray(start + 5, end));
      start = end;
    }
    pending = pending.subarray(start);
  };
}

function openSession(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.once('connect', () => session.setLocalWindowSize(1 << 24));
  // The calls of the session report it; without a listener it would end the process.
  session.on('error', () => session.destroy());
  return session;
}
