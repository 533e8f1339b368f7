import { suite } from 'node:test';
import { eventRules } from './event-rules.ts';
import { runRules } from './run-rules.ts';
import { signalRules } from './signal-rules.ts';
import { stepRules } from './step-rules.ts';
import { stopRules } from './stop-rules.ts';
import { registerRules } from './workbench.ts';
import type { MakeEngine } from './workbench.ts';

/**
 * Registers, with node:test, every rule of the ports `RunEngine` and `EventLog` as one test. An engine that keeps its runs
 * elsewhere must pass the same rules: they wait for what they need and assume nothing of how long it takes.
 */
export function runEngineConformance(name: string, makeEngine: MakeEngine): void {
  suite(`${name} keeps the rules of a run engine`, () => {
    registerRules('steps', stepRules, makeEngine);
    registerRules('stops', stopRules, makeEngine);
    registerRules('signals', signalRules, makeEngine);
    registerRules('runs', runRules, makeEngine);
    registerRules('events', eventRules, makeEngine);
  });
}
