import type { FacadeService } from './facade-service.ts';

/** One route of the listener. */
export interface FacadeRoute {
  readonly path: string;
  readonly methods: readonly string[];
  /** View that is served; it decides the upstreams, and nothing else of a request does. */
  readonly view: string;
  /** Whether the route wants to know who asks; else it is public. Host and Origin are checked on all. */
  readonly isAuthenticated: boolean;
  /** What answers in the place of a view. */
  readonly service?: FacadeService;
}

/** Name of the view that is at `/mcp` as well. */
const defaultView = 'default';

const metadataPath = '/.well-known/oauth-protected-resource';

/** Every route that exists for these views and services; what is not here is 404. */
export function facadeRoutes(
  views: readonly string[],
  services: readonly FacadeService[] = [],
): readonly FacadeRoute[] {
  return [...views.flatMap(viewRoutes), ...services.map(serviceRoute)];
}

function viewRoutes(view: string): readonly FacadeRoute[] {
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
}

function serviceRoute(service: FacadeService): FacadeRoute {
  const { path, method, isAuthenticated } = service;
  return { path, view: '', methods: [method], isAuthenticated, service };
}

function mcpRoute(path: string, view: string): FacadeRoute {
  return { path, view, methods: ['POST', 'GET', 'DELETE'], isAuthenticated: true };
}

function metadataRoute(of: string, view: string): FacadeRoute {
  return { path: `${metadataPath}${of}`, view, methods: ['GET'], isAuthenticated: false };
}
