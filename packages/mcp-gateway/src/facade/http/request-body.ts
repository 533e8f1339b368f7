import type { IncomingMessage } from 'node:http';

/** A body, or why there is none. */
export type RequestBody =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  /** The client went away. */
  | { readonly kind: 'broken' };

/** Reads a body and stops at the bound; what comes after it is not read. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<RequestBody> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return { kind: 'too-large' };
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.pause();
        request.removeAllListeners('data');
        chunks.length = 0;
        resolve({ kind: 'too-large' });
        return;
      }
      chunks.push(chunk);
    });
    request.once('end', () => {
      const [only] = chunks;
      const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
      resolve({ kind: 'body', bytes: whole });
    });
    // After an end or a refusal this resolves what is resolved already.
    request.once('close', () => resolve({ kind: 'broken' }));
    request.once('error', () => resolve({ kind: 'broken' }));
  });
}
