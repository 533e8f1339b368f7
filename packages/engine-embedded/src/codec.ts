/** Whose and what a sealed text is. It must be the same to open it, so that nothing kept can be put in another's place. */
export interface SealedPlace {
  readonly tenant: string;
  readonly runId: string;
  /**
   * `input`, `status`, `events/<first sequence>`, `entry/<index>` or `signal/<name>`; of a session, whose id stands for the run,
   * `session`; of a turn of one, `turn/<index>`.
   */
  readonly part: string;
}

/** What stands between the engine and its store: a host seals here, so that nothing readable is kept. */
export interface RunCodec {
  encode(text: string, place: SealedPlace): Uint8Array;
  /** Throws when the bytes are not what `encode` gave for the same place. */
  decode(bytes: Uint8Array, place: SealedPlace): string;
}

/** Keeps texts as they are: for tests, and where the store seals by itself. */
export function createPlainCodec(): RunCodec {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return {
    encode: (text) => encoder.encode(text),
    decode: (bytes) => decoder.decode(bytes),
  };
}
