import type { ToolDefinition } from '@modelhost/kernel';
import type { Case } from './case.ts';
import type { Suite } from './dataset.ts';
import { definitionOf } from './manifest.ts';
import { createRenaming, renameCase, renameTool } from './rename.ts';
import { createStage } from './stage.ts';
import type { Stage } from './stage.ts';

/** One suite on its stages, on which its cases are played side by side. */
export interface Theatre {
  readonly suite: Suite;
  readonly stages: readonly { readonly stage: Stage; readonly index: number }[];
  /** What a case becomes before it is played, such as the same with other names. */
  readonly adapt: (played: Case) => Case;
  readonly adaptText: (text: string) => string;
}

/** The suites as they are, and the same with other names. */
export interface Theatres {
  readonly plain: readonly Theatre[];
  readonly renamed: readonly Theatre[];
  readonly stages: readonly Stage[];
}

/** Makes the stages of the suites, so many for each; with a seed, a second set of other names. */
export function openTheatres(
  suites: readonly Suite[],
  { stagesEach, seed }: { readonly stagesEach: number; readonly seed: number },
): Theatres {
  const stages: Stage[] = [];
  const open = (prefix: string, at: number, tools: (alias: string) => readonly ToolDefinition[]) =>
    Array.from({ length: stagesEach }, (_, copy) => {
      const alias = `${prefix}${at + 1}-${copy + 1}`;
      const stage = createStage(alias, tools(alias));
      stages.push(stage);
      return { stage, index: stages.length - 1 };
    });
  const rename = createRenaming(createRandom(seed));
  const plain = suites.map((suite, at) => ({
    suite,
    stages: open('suite', at, (alias) =>
      definitions(suite).map((tool) => ({ ...tool, server: alias })),
    ),
    adapt: (played: Case) => played,
    adaptText: (text: string) => text,
  }));
  const renamed = suites.map((suite, at) => ({
    suite,
    stages: open('other', at, (alias) =>
      definitions(suite).map((tool) => renameTool(tool, alias, rename)),
    ),
    adapt: (played: Case) => renameCase(played, rename),
    adaptText: rename,
  }));
  return { plain, renamed, stages };
}

function definitions(suite: Suite): readonly ToolDefinition[] {
  return suite.tools.map((tool) => definitionOf(suite, tool));
}

/** Numbers from 0 to 1 that are the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
