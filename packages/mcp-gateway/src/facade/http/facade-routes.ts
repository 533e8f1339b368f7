/** What is done for a route. */
export type RouteKind = 'mcp' | 'resource-metadata';

/** One route of the listener. */
export interface FacadeRoute {
  readonly path: string;
  readonly methods: readonly string[];
  readonly kind: RouteKind;
  /** View that is served; it decides the upstreams, and nothing else of a request does. */
  readonly view: string;
  /** Whether the route wants to know who asks. Host and Origin are checked on every route. */
  readonly isAuthenticated: boolean;
}

/** Name of the view that is at `/mcp` as well. */
const defaultView = 'default';

/** Every route that exists for these views; what is not here is 404. */
export function facadeRoutes(views: readonly string[]): readonly FacadeRoute[] {
  const paths = views.flatMap((view) => {
    const named = { view, path: `/mcp/${view}` };
    return view === defaultView ? [{ view, path: '/mcp' }, named] : [named];
  });
  return paths.flatMap(({ view, path }) => [
    {
      path,
      view,
      methods: ['POST', 'GET', 'DELETE'],
      kind: 'mcp' as const,
      isAuthenticated: true,
    },
    {
      path: `/.well-known/oauth-protected-resource${path}`,
      view,
      methods: ['GET'],
      kind: 'resource-metadata' as const,
      isAuthenticated: false,
    },
    ...(path === '/mcp'
      ? [
          {
            path: '/.well-known/oauth-protected-resource',
            view,
            methods: ['GET'],
            kind: 'resource-metadata' as const,
            isAuthenticated: false,
          },
        ]
      : []),
  ]);
}
