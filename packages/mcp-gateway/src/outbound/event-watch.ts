/** Follows where the events of a stream end and whether they have ids, without reading what they say. */
export interface EventWatch {
  /** The bytes of the event that is still open. */
  push(chunk: Uint8Array): number;
  isResumable(): boolean;
}

/** For one stream from its first byte. */
export function createEventWatch(): EventWatch {
  let tail = '\n';
  let openBytes = 0;
  let hasIds = false;

  function push(chunk: Uint8Array): number {
    const text = tail + Buffer.from(chunk).toString('latin1');
    const end = Math.max(...['\n\n', '\r\n\r\n', '\r\r'].map((gap) => text.lastIndexOf(gap)));
    openBytes = end < 0 ? openBytes + chunk.length : text.length - end;
    hasIds ||= /[\r\n]id:/.test(text);
    tail = text.slice(-4);
    return openBytes;
  }

  return { push, isResumable: () => hasIds };
}
