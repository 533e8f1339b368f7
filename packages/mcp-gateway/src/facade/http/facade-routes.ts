/** One route of the listener. */
export interface FacadeRoute {
  readonly path: string;
  readonly methods: readonly string[];
  /** View that is served; it decides the upstreams, and nothing else of a request does. */
  readonly view: string;
  /** Whether the route is MCP and wants to know who asks; else it is the public metadata. Host and Origin are checked on all. */
  readonly isAuthenticated: boolean;
}

/** Name of the view that is at `/mcp` as well. */
const defaultView = 'default';

const metadataPath = '/.well-known/oauth-protected-resource';

/** Every route that exists for these views; what is not here is 404. */
export function facadeRoutes(views: readonly string[]): readonly FacadeRoute[] {
  return views.flatMap((view) => {
    const named = `/mcp/${view}`;
    if (view !== defaultView) return [mcpRoute(named, view), metadataRoute(named, view)];
    // The metadata without a suffix is where some clients look first.
    return [
      mcpRoute('/mcp', view),
      metadataRoute('/mcp', view),
      metadataRoute('', view),
      mcpRoute(named, view),
      metadataRoute(named, view),
    ];
  });
}

function mcpRoute(path: string, view: string): FacadeRoute {
  return { path, view, methods: ['POST', 'GET', 'DELETE'], isAuthenticated: true };
}

function metadataRoute(of: string, view: string): FacadeRoute {
  return { path: `${metadataPath}${of}`, view, methods: ['GET'], isAuthenticated: false };
}
