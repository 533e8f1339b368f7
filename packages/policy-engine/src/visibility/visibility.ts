import { setImmediate } from 'node:timers/promises';
import type { PolicyAsker, ToolDefinition } from '@modelhost/kernel';
import { createBoundedMap } from '../bounded-map.ts';
import type { CedarRuntime } from '../cedar-runtime.ts';
import type { RuleSet } from '../rule-set.ts';
import { createCertainty } from './certainty.ts';

/** Says which tools somebody could be allowed to call. */
export interface Visibility {
  /**
   * Those of the tools that could be allowed with some arguments, in their order. A tool is left out only where no call of it
   * by this asker could be allowed or held, or where a rule forbids to list it. Lets others run in between.
   */
  visible(
    asker: PolicyAsker,
    tools: readonly ToolDefinition[],
    ruleSets: readonly RuleSet[],
  ): Promise<readonly ToolDefinition[]>;
}

const askersMax = 1_024;
/** Cedar takes one to two milliseconds for a question with something unknown. */
const questionsAtOnce = 1;
const toolsAtOnce = 64;

/** Remembers the answer for each asker, tool and rule set; an asker's answers are forgotten with its tools. */
export function createVisibility(cedar: CedarRuntime): Visibility {
  const certainty = createCertainty(cedar);
  const byAsker =
    createBoundedMap<WeakMap<ToolDefinition, { readonly isVisible: boolean }>>(askersMax);
  const numbers = new WeakMap<RuleSet, number>();
  let ruleSetsSeen = 0;

  function numberOf(ruleSet: RuleSet): number {
    const known = numbers.get(ruleSet);
    if (known !== undefined) return known;
    ruleSetsSeen += 1;
    numbers.set(ruleSet, ruleSetsSeen);
    return ruleSetsSeen;
  }

  function isVisible(
    asker: PolicyAsker,
    tool: ToolDefinition,
    ruleSets: readonly RuleSet[],
  ): boolean {
    try {
      return !certainty.isHidden(asker, tool, ruleSets);
    } catch {
      // A tool that breaks Cedar, or that is none, is denied as well.
      return false;
    }
  }

  return {
    visible: async (asker, tools, ruleSets) => {
      const { principal, agent, isDelegated } = asker;
      const { tenant, subject, roles } = principal;
      const key = [tenant, subject, roles, agent, isDelegated, ruleSets.map(numberOf)];
      const answers = byAsker.getOrMake(JSON.stringify(key), () => new WeakMap());
      const shown: ToolDefinition[] = [];
      let questions = certainty.questionsAsked();
      for (const [place, tool] of tools.entries()) {
        const answer = answers.get(tool) ?? { isVisible: isVisible(asker, tool, ruleSets) };
        answers.set(tool, answer);
        if (answer.isVisible) shown.push(tool);
        const isLong = certainty.questionsAsked() - questions >= questionsAtOnce;
        if (!isLong && (place + 1) % toolsAtOnce > 0) continue;
        await setImmediate();
        questions = certainty.questionsAsked();
      }
      return shown;
    },
  };
}
