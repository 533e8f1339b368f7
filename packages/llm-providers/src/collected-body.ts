/** The bytes of a body that is needed whole. Its bound is the caller's. */
export interface CollectedBody {
  /** Returns how many bytes there are now. */
  add(bytes: Uint8Array): number;
  /** Everything so far, read as UTF-8. */
  text(): string;
}

/** Collects a body. */
export function collectBody(): CollectedBody {
  const chunks: Uint8Array[] = [];
  let length = 0;
  return {
    add: (bytes) => {
      chunks.push(bytes);
      length += bytes.length;
      return length;
    },
    text: () => new TextDecoder().decode(Buffer.concat(chunks)),
  };
}
