import { canonicalJson, sha256Hex } from '@modelhost/kernel';
import type { JsonObject, JsonSchemas } from '@modelhost/kernel';
import type { RelayCatalogue, RelayItem, RelayServer } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import type { UpstreamLists } from '../upstream/lists.ts';
import { clean, readListedItems } from './listed-items.ts';
import { listItem } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { CataloguePart } from './merged-catalogues.ts';
import { createServerCatalogue } from './server-catalogue.ts';
import type { ServerCatalogue } from './server-catalogue.ts';

/** All that is known of one server: its tools with their pins, and the rest, which has none. */
export interface ServerEntry {
  readonly alias: string;
  readonly tools: ServerCatalogue;
  readonly part: CataloguePart;
  /** Takes what the server listed. Returns what changed beside the tools, which `tools.offer` tells. */
  take(lists: Partial<UpstreamLists>, instructions: string): readonly Kind[];
  /** Looks which prompts and templates are approved now. Returns the kinds of which others are than before. */
  offerItems(): readonly Kind[];
  /** Whether the tools are what the server itself listed, not what was kept of it. */
  isListed(): boolean;
  /** Returns whether anything of it changed. */
  present(server: Partial<Pick<RelayServer, 'capabilities' | 'state'>>): boolean;
}

type Kind = Exclude<keyof RelayCatalogue, 'servers' | 'tools'>;

/** The member that names an item of each kind. */
const keys = { prompts: 'name', resources: 'uri', resourceTemplates: 'uriTemplate' } as const;
const kinds: readonly Kind[] = ['prompts', 'resources', 'resourceTemplates'];

/** A server that was never reached. */
export function createServerEntry(
  spec: ToolServerSpec,
  options: { readonly schemas: JsonSchemas; readonly log: (message: string) => void },
): ServerEntry {
  const { alias } = spec;
  const tools = createServerCatalogue(spec, options);
  const items = new Map<Kind, Items>();
  const told = new Map<Kind, string>();
  let isListed = false;
  let server: Omit<RelayServer, 'instructions'> = { alias, capabilities: {}, state: 'idle' };

  function take(lists: Partial<UpstreamLists>, instructions: string): readonly Kind[] {
    tools.takeInstructions(instructions);
    if (lists.tools !== undefined) {
      isListed = true;
      tools.takeTools(lists.tools);
    }
    const changed = kinds.filter((kind) => takeItems(kind, lists[kind]));
    tools.takeItems([...items.values()].flatMap(({ pins }) => [...pins.values()]));
    // What has pins is told of when it is offered.
    return changed.filter((kind) => kind === 'resources');
  }

  function takeItems(kind: Kind, listed: readonly JsonObject[] | undefined): boolean {
    if (listed === undefined) return false;
    const read = readListedItems(alias, listed, { key: keys[kind], log: options.log });
    const digest = sha256Hex(canonicalJson(read.map(({ raw }) => raw)));
    if (digest === (items.get(kind)?.digest ?? noItems.digest)) return false;
    const pins = new Map(
      kind === 'resources'
        ? []
        : read.map(({ key, raw, item }) => [item, listItem(alias, kind, { key, listed: raw })]),
    );
    items.set(kind, { items: read.map(({ item }) => item), pins, digest });
    return true;
  }

  function itemsOf(kind: Kind): readonly RelayItem[] {
    const known = items.get(kind);
    if (known === undefined || !tools.isOpen()) return [];
    return known.items.filter((item) => {
      const pin = known.pins.get(item);
      return pin === undefined || tools.isOffered(pin);
    });
  }

  function offerItems(): readonly Kind[] {
    return (['prompts', 'resourceTemplates'] as const).filter((kind) => {
      const digest = sha256Hex(canonicalJson(itemsOf(kind).map(({ listed }) => listed)));
      if (digest === (told.get(kind) ?? noItems.digest)) return false;
      told.set(kind, digest);
      return true;
    });
  }

  function present(changes: Parameters<ServerEntry['present']>[0]): boolean {
    // Most are told again and again, with each call, what they are known as.
    if (changes.capabilities === undefined && changes.state === server.state) return false;
    const after = { ...server, ...changes };
    const cleaned = { ...after, capabilities: clean(after.capabilities) ?? {} };
    if (textOf(cleaned) === textOf(server)) return false;
    server = cleaned;
    return true;
  }

  const part: CataloguePart = {
    spec,
    tools: () => tools.offered(),
    prompts: () => itemsOf('prompts'),
    resources: () => itemsOf('resources'),
    resourceTemplates: () => itemsOf('resourceTemplates'),
    server: () => ({ ...server, instructions: tools.instructions() }),
  };
  return { alias, tools, part, take, offerItems, isListed: () => isListed, present };
}

interface Items {
  readonly items: readonly RelayItem[];
  readonly pins: ReadonlyMap<RelayItem, ListedTool>;
  readonly digest: string;
}

const noItems: Items = { items: [], pins: new Map(), digest: sha256Hex(canonicalJson([])) };

function textOf({ capabilities, state }: Omit<RelayServer, 'instructions'>): string {
  return canonicalJson([capabilities, state]);
}
