export { defaultEngineBounds } from './bounds.ts';
export type { EngineBounds } from './bounds.ts';
export { createMemoryEngine } from './engine.ts';
export type { MemoryEngine, MemoryEngineOptions } from './engine.ts';
export type {
  KeptEvents,
  KeptRun,
  KeptSignal,
  Retention,
  RunRecord,
  RunStore,
  RunWrite,
} from './run-store.ts';
export { createMemorySessionStore } from './memory-session-store.ts';
export type { MemorySessionBounds } from './memory-session-store.ts';
