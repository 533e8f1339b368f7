import { createFacadeCore } from '@modelhost/mcp-gateway';
import type { FacadeCore, FacadeView, McpRelay } from '@modelhost/mcp-gateway';
import type { Clock, Keys, Redactor } from '@modelhost/kernel';
import type { McpViewConfig } from '../config/mcp-tree.ts';
import { hideInFacade } from './hide-in-facade.ts';
import { createSessionId } from './session-id.ts';

/** What every view of the façade shares. */
export interface FacadeParts {
  /** The governed one. */
  readonly relay: McpRelay;
  readonly keys: Keys;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly version: string;
}

/** The façade's answer to each configured view, by its name. Whoever makes them closes them. */
export function createViews(
  views: readonly McpViewConfig[],
  parts: FacadeParts,
): Readonly<Record<string, FacadeCore>> {
  return Object.fromEntries(
    views.map((view) => [
      view.name,
      hideInFacade(
        createFacadeCore({ ...parts, view: toView(view), randomId: createSessionId }),
        parts.redactor,
      ),
    ]),
  );
}

function toView({ name, naming, servers, tools, search, taskAfterMs }: McpViewConfig): FacadeView {
  return {
    name,
    naming: typeof naming === 'string' ? naming : { map: naming },
    servers,
    tools,
    search,
    taskAfterMs,
  };
}
