import type { ToolDefinition } from '@modelhost/kernel';
import { createCedarRuntime, loadCedar } from '../cedar-runtime.ts';
import type { PolicyFile } from '../policy-file.ts';
import type { PolicyProblem } from './policy-problem.ts';
import { readAllRules } from './read-all-rules.ts';

/**
 * Everything that is wrong with the rules, on this thread, which takes about 0.4 s for 1,000 rules. For the text of
 * others in a server, use `checkPolicyTextApart`. Never throws for what stands in the text.
 */
export function checkPolicyText(
  files: readonly PolicyFile[],
  tools: readonly ToolDefinition[],
): readonly PolicyProblem[] {
  return readAllRules(files, tools, createCedarRuntime(loadCedar)).problems;
}
