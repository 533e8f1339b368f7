export { defaultEngineBounds } from './bounds.ts';
export type { EngineBounds } from './bounds.ts';
export { createPlainCodec } from './codec.ts';
export type { RunCodec, SealedPlace } from './codec.ts';
export { createEmbeddedEngine } from './engine.ts';
export type { EmbeddedEngine, EmbeddedEngineOptions } from './engine.ts';
export { createEndCheck } from './journal/end-check.ts';
export type { EndCheck } from './journal/end-check.ts';
export { cutText } from './journal/pieces.ts';
export { createMemoryRunStore } from './memory-run-store.ts';
export type { MemoryStoreBounds } from './memory-run-store.ts';
export { createMemorySessionStore } from './memory-session-store.ts';
export type { MemorySessionBounds } from './memory-session-store.ts';
export type { Programs } from './origin.ts';
export { readPageToken } from './page-token.ts';
export type {
  KeptEvents,
  KeptRun,
  KeptSignal,
  NewRun,
  Retained,
  Retention,
  RunRecord,
  RunStore,
  RunWrite,
} from './run-store.ts';
export { createSealingCodec, sealingKeyOf } from './sealing-codec.ts';
