import { createMemoryEngine } from '@modelhost/engine-memory';
import { runEngineConformance } from './run-engine.ts';

runEngineConformance('engine-memory', createMemoryEngine);
