import { isJsonObject } from '@modelhost/kernel';

/** Codes of errors that our transports put in the place of an answer which cannot be had; servers have no use for them. */
export const wireErrorCodes = {
  tooLarge: -32_901,
  streamEnded: -32_902,
  malformed: -32_903,
} as const;

/** An answer to the request `id` that says why there is none. */
export function wireError(
  id: string | number,
  code: number,
  message: string,
): {
  readonly jsonrpc: '2.0';
  readonly id: string | number;
  readonly error: { readonly code: number; readonly message: string };
} {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

/** The id of a JSON-RPC message, if it has one. */
export function readId(message: unknown): string | number | undefined {
  const id = isJsonObject(message) ? message['id'] : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
