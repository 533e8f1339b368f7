export { runEngineConformance } from './conformance/run-engine.ts';
export { runStoreConformance } from './conformance/run-store.ts';
export type { RunStoreMaker } from './conformance/run-store.ts';
export type { ConformanceBounds, EngineUnderTest, MakeEngine } from './conformance/workbench.ts';
export { sessionStoreConformance } from './conformance/session-store.ts';
export type { MakeSessionStore, SessionStoreUnderTest } from './conformance/session-store.ts';
export { createRunInput } from './run-input.ts';
export { createVirtualClock } from './virtual-clock.ts';
export type { VirtualClock } from './virtual-clock.ts';
