export { createCedarPolicyEngine } from './policy-engine.ts';
export type { CedarPolicyEngineOptions } from './policy-engine.ts';
export { readPolicyDirectory } from './policy-file.ts';
export type { PolicyFile } from './policy-file.ts';
