import type { JsonObject } from '@modelhost/kernel';
import { digestOfSet, compare } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { PinDrift, PinSetView, PinView } from './pin-admin.ts';
import { changedMembers, diffDefinitions } from './pin-diff.ts';
import type { ApprovedDefinition, ServerPins, ToolPin } from './pin-records.ts';
import { isApproved, pinOf, pinStateOf } from './pins.ts';
import type { ServerCatalogue } from './server-catalogue.ts';
import { toolNameOf } from './tool-names.ts';
import { foreignNameOf, scanDefinition, scanForNames } from './warning-scan.ts';
import type { ForeignNames } from './warning-scan.ts';

/** A server and what is known of its pins. */
export interface PinnedServer {
  readonly catalogue: ServerCatalogue;
  readonly pins: ServerPins | undefined;
}

/** Shows pins to whoever has to approve them. */
export interface PinViews {
  /** The pins of these servers, sorted by name. Other servers that are mentioned come from these only. */
  list(servers: readonly PinnedServer[]): readonly PinView[];
  /** What has to be told of definitions of one of the servers, one after the other. */
  describe(
    servers: readonly PinnedServer[],
    server: PinnedServer,
    tools: readonly ListedTool[],
  ): Iterable<PinDrift>;
}

/** It keeps what it found in a definition as long as that is listed. */
export function createPinViews(): PinViews {
  const findings = new WeakMap<JsonObject, Findings>();

  function findingsOf(listed: JsonObject, approved: ApprovedDefinition | undefined): Findings {
    const before = approved?.digest;
    const known = findings.get(listed);
    if (known !== undefined && known.before === before) return known;
    const found = {
      before,
      changed: approved === undefined ? [] : changedMembers(approved.listed, listed),
      diff: diffDefinitions(approved?.listed, listed),
      warnings: scanDefinition(listed),
    };
    findings.set(listed, found);
    return found;
  }

  function view(
    { catalogue, pins }: PinnedServer,
    { serverTool, name, digest, listed }: ListedTool,
    names: ForeignNames,
  ): PinView {
    const approved = pinOf(pins, serverTool)?.approved;
    const state = pinStateOf(pins, { serverTool, digest });
    const { changed, diff, warnings } = findingsOf(listed, approved);
    return {
      alias: catalogue.spec.alias,
      tool: serverTool,
      name,
      state,
      digest,
      approved: approvalOf(approved),
      changed,
      diff,
      warnings: [...warnings, ...scanForNames(listed, names)],
      problem: catalogue.problemOf(serverTool),
    };
  }

  function list(servers: readonly PinnedServer[]): readonly PinView[] {
    return servers
      .flatMap((server) => {
        const names = foreignNames(servers, server);
        return [
          ...server.catalogue.listed().map((tool) => view(server, tool, names)),
          ...gonePins(server).map(([tool, pin]) => viewGone(server, tool, pin)),
        ];
      })
      .sort((left, right) => compare(left.name, right.name));
  }

  function* describe(
    servers: readonly PinnedServer[],
    server: PinnedServer,
    tools: readonly ListedTool[],
  ): Iterable<PinDrift> {
    const names = foreignNames(servers, server);
    for (const tool of tools) {
      const { alias, name, approved, changed, diff, warnings } = view(server, tool, names);
      const { serverTool, digest: after } = tool;
      yield {
        alias,
        tool: serverTool,
        name,
        before: approved?.digest,
        after,
        changed,
        diff,
        warnings,
      };
    }
  }

  return { list, describe };
}

/** The set of one server. */
export function viewSet({ catalogue, pins }: PinnedServer): PinSetView {
  const listed = catalogue.listed();
  return {
    alias: catalogue.spec.alias,
    setDigest: listed.length === 0 && pins === undefined ? '' : digestOfSet(listed),
    approvedSetDigest: pins?.approvedSetDigest ?? '',
    quarantined: listed.filter((tool) => !isApproved(pins, tool)).length,
  };
}

/** What was found in a definition beside the approved one of digest `before`. */
interface Findings {
  readonly before: string | undefined;
  readonly changed: readonly string[];
  readonly diff: string;
  readonly warnings: readonly string[];
}

function viewGone({ catalogue }: PinnedServer, tool: string, { approved }: ToolPin): PinView {
  const { alias } = catalogue.spec;
  return {
    alias,
    tool,
    name: toolNameOf(alias, tool),
    state: 'gone',
    digest: approved?.digest ?? '',
    approved: approvalOf(approved),
    changed: [],
    diff: '',
    warnings: [],
    problem: catalogue.problemOf(tool),
  };
}

function approvalOf(approved: ApprovedDefinition | undefined): PinView['approved'] {
  if (approved === undefined) return undefined;
  const { digest, by, atMs } = approved;
  return { digest, by, atMs };
}

function gonePins({ catalogue, pins }: PinnedServer): readonly (readonly [string, ToolPin])[] {
  const listed = new Set(catalogue.listed().map(({ serverTool }) => serverTool));
  return Object.entries(pins?.tools ?? {}).filter(
    ([tool, { approved }]) => approved !== undefined && !listed.has(tool),
  );
}

/** Names by which the tools of the other servers could be mentioned, but for those that this server has too. */
function foreignNames(servers: readonly PinnedServer[], server: PinnedServer): ForeignNames {
  const own = new Set(server.catalogue.listed().flatMap(namesOf));
  const others = servers
    .filter(({ catalogue }) => catalogue !== server.catalogue)
    .flatMap(({ catalogue }) => catalogue.listed().flatMap(namesOf));
  return new Set(others.filter((name) => !own.has(name)));
}

function namesOf({ serverTool, name }: ListedTool): readonly string[] {
  const plain = foreignNameOf(serverTool);
  return plain === undefined ? [name.toLowerCase()] : [name.toLowerCase(), plain];
}
