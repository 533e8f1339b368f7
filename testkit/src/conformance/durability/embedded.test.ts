import { createEmbeddedWorld } from '../../crash/durable-world.ts';
import { durabilityConformance } from './durability.ts';

durabilityConformance('engine-embedded', createEmbeddedWorld);
