import type { ToolDefinition } from '@modelhost/kernel';
import type { RelayCatalogue, RelayItem, RelayServer } from '../relay.ts';
import { isVisibleTo } from '../server-spec.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import type { CatalogueTool } from './catalogue-tool.ts';
import { compare } from './listed-tools.ts';

/** What one server puts into the catalogues that it is part of. */
export interface CataloguePart {
  readonly spec: ToolServerSpec;
  tools(): readonly CatalogueTool[];
  prompts(): readonly RelayItem[];
  resources(): readonly RelayItem[];
  resourceTemplates(): readonly RelayItem[];
  server(): RelayServer;
}

/** The parts that a tenant may see, put together once for all tenants that see the same ones. */
export interface MergedCatalogues {
  relayCatalogue(tenant: string): RelayCatalogue;
  definitions(tenant: string): readonly ToolDefinition[];
  /** A kind changed in some part: it is put together again when it is next asked for. */
  forget(kind: keyof RelayCatalogue): void;
}

/** Every tenant that no server names sees the same servers, so there are no more catalogues than the configuration has names. */
export function createMergedCatalogues(parts: readonly CataloguePart[]): MergedCatalogues {
  const sorted = parts.toSorted((left, right) => compare(left.spec.alias, right.spec.alias));
  const groups = new Map<string, Merged>();
  const groupOf = new Map<string, Merged>();
  const named = new Set(parts.flatMap(({ spec }) => spec.tenants ?? []));
  const everyoneElse = createMerged(sorted.filter(({ spec }) => spec.tenants === undefined));
  for (const tenant of named) {
    const visible = sorted.filter(({ spec }) => isVisibleTo(spec, tenant));
    const key = visible.map(({ spec }) => spec.alias).join(' ');
    const group = groups.get(key) ?? createMerged(visible);
    groups.set(key, group);
    groupOf.set(tenant, group);
  }

  return {
    relayCatalogue: (tenant) => (groupOf.get(tenant) ?? everyoneElse).catalogue(),
    definitions: (tenant) => (groupOf.get(tenant) ?? everyoneElse).definitions(),
    forget: (kind) => {
      everyoneElse.forget(kind);
      for (const group of groups.values()) group.forget(kind);
    },
  };
}

interface Merged {
  catalogue(): RelayCatalogue;
  definitions(): readonly ToolDefinition[];
  forget(kind: keyof RelayCatalogue): void;
}

function createMerged(parts: readonly CataloguePart[]): Merged {
  let known: Partial<RelayCatalogue> = {};
  let whole: RelayCatalogue | undefined;
  let definitions: readonly ToolDefinition[] | undefined;

  function sortedTools(): readonly CatalogueTool[] {
    return parts
      .flatMap((part) => part.tools())
      .sort((left, right) => compare(left.definition.name, right.definition.name));
  }

  function catalogue(): RelayCatalogue {
    if (whole !== undefined) return whole;
    whole = {
      servers: known.servers ?? parts.map((part) => part.server()),
      tools: known.tools ?? sortedTools().map(({ relay }) => relay),
      prompts: known.prompts ?? parts.flatMap((part) => part.prompts()),
      resources: known.resources ?? parts.flatMap((part) => part.resources()),
      resourceTemplates:
        known.resourceTemplates ?? parts.flatMap((part) => part.resourceTemplates()),
    };
    known = whole;
    return whole;
  }

  return {
    catalogue,
    definitions: () => (definitions ??= sortedTools().map(({ definition }) => definition)),
    forget: (kind) => {
      const { [kind]: _, ...rest } = known;
      known = rest;
      whole = undefined;
      if (kind === 'tools') definitions = undefined;
    },
  };
}
