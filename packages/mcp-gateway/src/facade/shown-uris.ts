import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { RelayCatalogue, RelayedMethod } from '../relay.ts';
import { withItems } from './with-items.ts';

/** Where a resource of the view is. */
export interface ResourceAddress {
  readonly alias: string;
  /** As its server has it. */
  readonly uri: string;
}

/** How URIs of servers become URIs of the view, and back. */
export interface ShownUris {
  /** The URI in the view; the same one when the view does not prefix. */
  show(alias: string, uri: string): string;
  /** Undefined when no server of the view can have it. */
  find(shown: string): ResourceAddress | undefined;
  /** A result in which the server's URIs are those of the view; the same object when nothing changes. */
  showResult(alias: string, method: RelayedMethod, result: JsonObject): JsonObject;
  /** A list entry likewise. */
  showListed(alias: string, listed: JsonObject): JsonObject;
}

/** Apps are recognised by their scheme, so theirs stays in front. */
const appScheme = 'ui://';

/**
 * `<alias>+<uri>`: an alias is a legal start of a scheme and has no `+`, so a URI leads back to one server and one URI.
 * Apps (`ui://…`) become `ui://<alias>+…`.
 */
export function createPrefixedUris(aliases: ReadonlySet<string>): ShownUris {
  function show(alias: string, uri: string): string {
    return uri.startsWith(appScheme)
      ? `${appScheme}${alias}+${uri.slice(appScheme.length)}`
      : `${alias}+${uri}`;
  }

  function find(shown: string): ResourceAddress | undefined {
    const scheme = shown.startsWith(appScheme) ? appScheme : '';
    const end = shown.indexOf('+', scheme.length);
    const alias = shown.slice(scheme.length, Math.max(end, scheme.length));
    if (!aliases.has(alias)) return undefined;
    const uri = scheme + shown.slice(end + 1);
    // Only one way of writing leads to a resource.
    return show(alias, uri) === shown ? { alias, uri } : undefined;
  }

  return withResults({ show, find });
}

/**
 * A URI stays as it is where it leads back to its server: it is the first one that lists it, or has a template that it
 * fits, or there is no other server. Any other URI is prefixed.
 */
export function createBareUris(catalogue: RelayCatalogue): ShownUris {
  const only = catalogue.servers.length === 1 ? catalogue.servers[0]?.alias : undefined;
  if (only !== undefined) return createSameUris(only);
  const prefixed = createPrefixedUris(new Set(catalogue.servers.map(({ alias }) => alias)));
  const aliases = new Map<string, string>();
  for (const { alias, listed } of catalogue.resources) {
    const { uri } = listed;
    // One that looks like the prefixed URI of another server is prefixed itself.
    const isPlain = typeof uri === 'string' && prefixed.find(uri) === undefined;
    if (isPlain && !aliases.has(uri)) aliases.set(uri, alias);
  }

  function find(shown: string): ResourceAddress | undefined {
    const lister = aliases.get(shown);
    if (lister !== undefined) return { alias: lister, uri: shown };
    const address = prefixed.find(shown);
    if (address !== undefined) return address;
    const alias = aliasByTemplate(catalogue, shown);
    return alias === undefined ? undefined : { alias, uri: shown };
  }

  function show(alias: string, uri: string): string {
    const address = find(uri);
    return address?.alias === alias && address.uri === uri ? uri : prefixed.show(alias, uri);
  }

  return withResults({ show, find });
}

function createSameUris(alias: string): ShownUris {
  return {
    show: (_, uri) => uri,
    find: (uri) => ({ alias, uri }),
    showResult: (_alias, _method, result) => result,
    showListed: (_, listed) => listed,
  };
}

function withResults({ show, find }: Pick<ShownUris, 'show' | 'find'>): ShownUris {
  return {
    show,
    find,
    showResult: (alias, method, result) => showResult((uri) => show(alias, uri), method, result),
    showListed: (alias, listed) => showListed((uri) => show(alias, uri), listed),
  };
}

function aliasByTemplate(catalogue: RelayCatalogue, uri: string): string | undefined {
  return catalogue.resourceTemplates.find(({ listed }) => {
    const template = listed['uriTemplate'];
    return typeof template === 'string' && mayFit(uri, template);
  })?.alias;
}

/** Whether the literal parts of a template are in the URI, in order. Takes linear time. */
function mayFit(uri: string, template: string): boolean {
  const literals = template.split(/\{[^{}]*\}/);
  const last = literals.pop() ?? '';
  if (literals.length === 0) return uri === last;
  if (!uri.startsWith(literals[0] ?? '') || !uri.endsWith(last)) return false;
  let from = 0;
  for (const literal of literals) {
    const at = uri.indexOf(literal, from);
    if (at < 0) return false;
    from = at + literal.length;
  }
  return from + last.length <= uri.length;
}

function showResult(
  show: (uri: string) => string,
  method: RelayedMethod,
  result: JsonObject,
): JsonObject {
  switch (method) {
    case 'tools/call':
      return withItems(result, 'content', (block) => showBlock(show, block));
    case 'resources/read':
      return withItems(result, 'contents', (contents) => showUri(show, contents));
    case 'prompts/get':
      return withItems(result, 'messages', (message) => showMessage(show, message));
    case 'completion/complete':
      return result;
  }
}

function showBlock(show: (uri: string) => string, block: JsonObject): JsonObject {
  if (block['type'] === 'resource_link') return showUri(show, block);
  const resource = block['type'] === 'resource' ? block['resource'] : undefined;
  if (!isJsonObject(resource)) return block;
  const shown = showUri(show, resource);
  return shown === resource ? block : { ...block, resource: shown };
}

function showMessage(show: (uri: string) => string, message: JsonObject): JsonObject {
  const content = message['content'];
  if (!isJsonObject(content))
    return withItems(message, 'content', (block) => showBlock(show, block));
  const shown = showBlock(show, content);
  return shown === content ? message : { ...message, content: shown };
}

function showUri(show: (uri: string) => string, holder: JsonObject): JsonObject {
  const { uri } = holder;
  const shown = typeof uri === 'string' ? show(uri) : undefined;
  return shown === undefined || shown === uri ? holder : { ...holder, uri: shown };
}

/** `uri`, `uriTemplate`, and the view of an app that a tool names in its `_meta`. */
function showListed(show: (uri: string) => string, listed: JsonObject): JsonObject {
  const { uri, uriTemplate, _meta: meta } = listed;
  return {
    ...listed,
    ...(typeof uri === 'string' ? { uri: show(uri) } : {}),
    ...(typeof uriTemplate === 'string' ? { uriTemplate: show(uriTemplate) } : {}),
    ...(isJsonObject(meta) ? { _meta: showAppMeta(show, meta) } : {}),
  };
}

function showAppMeta(show: (uri: string) => string, meta: JsonObject): JsonObject {
  const { ui, 'ui/resourceUri': flat } = meta;
  const nested = isJsonObject(ui) ? ui['resourceUri'] : undefined;
  return {
    ...meta,
    ...(isJsonObject(ui) && typeof nested === 'string'
      ? { ui: { ...ui, resourceUri: show(nested) } }
      : {}),
    ...(typeof flat === 'string' ? { 'ui/resourceUri': show(flat) } : {}),
  };
}
