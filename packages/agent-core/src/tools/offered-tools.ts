import type { ModelRoute, RunInput, ToolDefinition } from '@modelhost/kernel';
import { estimateToolsTokens } from '../model/tokens.ts';
import { offerTools } from './tool-offer.ts';

/** What the model sees of the tools of a run: all, or the tools that search them, and what was offered since. */
export interface OfferedTools {
  offered(): readonly ToolDefinition[];
  /** An estimate of what the definitions of all these weigh. */
  offeredTokens(): number;
  /** Shows the model one more tool from now on; false when another one has its name. */
  offer(tool: ToolDefinition): boolean;
  /** Goes on with a model, which may hold more or less of them; what was offered since stays. */
  showTo(route: ModelRoute): void;
  /** Whether the model searches for tools. */
  isSearched(): boolean;
}

/** Offers the tools of a catalogue and of the caller to a model. */
export function createOfferedTools(
  input: RunInput,
  catalogue: readonly ToolDefinition[],
  route: ModelRoute,
): OfferedTools {
  const own = new Map([...catalogue, ...input.clientTools].map((tool) => [tool.name, tool]));
  let shownTo = route;
  let shown = offerTools(input, catalogue, route);
  let { offered } = shown;
  let tokens = estimateToolsTokens(offered);
  return {
    offered: () => offered,
    offeredTokens: () => tokens,
    offer: (tool) => {
      const named = offered.find(({ name }) => name === tool.name) ?? own.get(tool.name);
      if (named !== undefined) return named === tool;
      offered = [...offered, tool];
      tokens += estimateToolsTokens([tool]);
      return true;
    },
    showTo: (next) => {
      if (next === shownTo) return;
      const since = offered.slice(shown.offered.length);
      shownTo = next;
      shown = offerTools(input, catalogue, next);
      offered = [...shown.offered, ...since];
      tokens = estimateToolsTokens(offered);
    },
    isSearched: () => shown.isSearched,
  };
}
