import { createMemoryEngine } from '@modelhost/engine-embedded';
import { runEngineConformance } from './run-engine.ts';

runEngineConformance('engine-embedded', createMemoryEngine);
