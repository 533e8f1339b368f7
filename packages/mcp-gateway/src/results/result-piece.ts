import { HostError } from '@modelhost/kernel';
import type { Principal, ToolAnswer } from '@modelhost/kernel';
import type { ResultPiece, ResultStore } from './result-store.ts';

/** Bytes that a model gets at once. */
const pieceBytesMax = 65_536;

/** A piece of a kept result as text for the model; undefined when the principal has no such result, or no longer. */
export function readPiece(
  store: ResultStore,
  principal: Principal,
  { handle, offset }: { readonly handle: string; readonly offset: number },
): ToolAnswer | undefined {
  try {
    const piece = store.read(principal, handle, { offset, length: pieceBytesMax });
    const isTruncated = piece.nextOffset !== undefined;
    return { type: 'answer', content: contentOf(piece, handle), isError: false, isTruncated };
  } catch (cause) {
    if (cause instanceof HostError && cause.code === 'not_found') return undefined;
    throw cause;
  }
}

function contentOf({ text, offset, nextOffset, bytesTotal }: ResultPiece, handle: string): string {
  if (text === '') return `[the result ends at ${bytesTotal} bytes]`;
  if (nextOffset === undefined) return text;
  return `${text}\n[bytes ${offset} to ${nextOffset} of ${bytesTotal}; the rest is in ${handle} from offset ${nextOffset}]`;
}
