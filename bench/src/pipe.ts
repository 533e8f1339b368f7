/** The floor: a gRPC server stream that forwards the bytes of the provider and knows nothing of them. */
import { constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { Pool } from 'undici';

/** Path of the pipe for a model. */
export function pipePath(model: string): string {
  return `/pipe/${model}`;
}

/** The server, not yet listening. Its owner closes it and the pool to the provider. */
export function createPipe(pool: Pool): Http2Server {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const model = (headers[':path'] ?? '').slice(pipePath('').length);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('error', () => stream.destroy());
    stream.on('end', () => forward(pool, model, stream));
    stream.resume();
  });
  return server;
}

function forward(pool: Pool, model: string, stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  const request = {
    path: '/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Go.' }] }),
  } as const;
  pool.dispatch(request, {
    onRequestStart(controller) {
      stream.on('close', () => controller.abort(new Error('the caller left')));
      stream.on('drain', () => controller.resume());
    },
    onResponseStart(controller, status) {
      if (status !== 200) controller.abort(new Error(`the provider answered ${status}`));
    },
    onResponseData(controller, chunk) {
      if (!stream.write(frame(chunk))) controller.pause();
    },
    onResponseEnd: () => stream.end(),
    onResponseError: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  });
}

/** A gRPC message: one byte of flags, four of length, the bytes. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}
