import { canonicalJson, sha256Hex } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { hasHidden } from '@modelhost/shown-text';
import { toolNameOf } from './tool-names.ts';

/** A tool as its server lists it, raw. */
export interface ListedTool {
  /** Name at the server. */
  readonly serverTool: string;
  /** Name for models. */
  readonly name: string;
  /** Digest of all of `listed`, whatever the order of its members. */
  readonly digest: string;
  readonly listed: JsonObject;
}

/** A tool that cannot be offered as it is listed, and why. */
export interface RefusedTool {
  readonly serverTool: string;
  readonly reason: string;
}

/**
 * A server's instructions go to models as its tools do, so they are pinned with them, under a name that no tool may have.
 */
export const instructionsName = '(instructions)';

/** Prompts and resource templates go to models too: each has a pin, under a name that no tool may have. */
const itemPrefixes = { prompts: '(prompt) ', resourceTemplates: '(resource template) ' } as const;

const nameLengthMax = 256;
const instructionsLengthMax = 16_384;
const definitionLengthMax = 131_072;
const memberLengthMax = 64;
const members = [
  'name',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
  'execution',
  'icons',
  '_meta',
];

/** Reads what a server listed, in any order with the same outcome. The tools come sorted by their name at the server. */
export function readListedTools(
  alias: string,
  listed: readonly JsonObject[],
): { readonly tools: readonly ListedTool[]; readonly refused: readonly RefusedTool[] } {
  const tools = new Map<string, ListedTool>();
  const refused = new Map<string, string>();
  for (const tool of listed) {
    const serverTool = typeof tool['name'] === 'string' ? tool['name'] : '';
    const read = readListedTool(alias, serverTool, tool);
    const earlier = tools.get(serverTool);
    if (typeof read === 'string') {
      refused.set(serverTool.slice(0, nameLengthMax), read);
    } else if (earlier !== undefined && earlier.digest !== read.digest) {
      refused.set(serverTool, 'it is listed twice, with different definitions');
    } else {
      tools.set(serverTool, read);
    }
  }
  for (const serverTool of refused.keys()) tools.delete(serverTool);
  return {
    tools: [...tools.values()].sort((left, right) => compare(left.serverTool, right.serverTool)),
    refused: [...refused].map(([serverTool, reason]) => ({ serverTool, reason })),
  };
}

/** The instructions of a server, of which no more than 16,384 characters are used. */
export function listInstructions(alias: string, instructions: string): ListedTool {
  const listed = { instructions: instructions.slice(0, instructionsLengthMax) };
  const serverTool = instructionsName;
  return { serverTool, name: `${alias}__${serverTool}`, digest: digestOf(listed), listed };
}

/** The pin of a prompt by its name, or of a resource template by its address. */
export function listItem(
  alias: string,
  kind: keyof typeof itemPrefixes,
  { key, listed }: { readonly key: string; readonly listed: JsonObject },
): ListedTool {
  const serverTool = `${itemPrefixes[kind]}${key}`;
  return { serverTool, name: `${alias}__${serverTool}`, digest: digestOf(listed), listed };
}

/** Whether it is the name of a pin that is no tool's. */
export function isReserved(serverTool: string): boolean {
  return (
    serverTool === instructionsName ||
    Object.values(itemPrefixes).some((prefix) => serverTool.startsWith(prefix))
  );
}

/** Digest over a server's whole set of tools, whatever their order. */
export function digestOfSet(tools: readonly ListedTool[]): string {
  const parts = tools.map(({ serverTool, digest }) => [serverTool, digest]);
  return sha256Hex(canonicalJson(parts.sort(([left = ''], [right = '']) => compare(left, right))));
}

/** By UTF-16 code units, which no locale changes. */
export function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Digest of one definition: everything that a façade or a model could see of it. */
export function digestOf(listed: Json): string {
  return sha256Hex(canonicalJson(listed));
}

function readListedTool(
  alias: string,
  serverTool: string,
  listed: JsonObject,
): ListedTool | string {
  if (serverTool === '') return 'it has no name';
  if (isReserved(serverTool)) return 'its name is reserved';
  if (serverTool.length > nameLengthMax) return `its name is longer than ${nameLengthMax}`;
  // It could not be called by a cleaned name, and two names could look the same.
  if (hasHidden(serverTool)) return 'its name has hidden characters';
  const stray = Object.keys(listed).find(isStray);
  if (stray !== undefined) return `its member ${JSON.stringify(stray)} passes for another one`;
  const text = readText(listed);
  if (text === undefined) return 'its definition is nested too deeply';
  if (text.length > definitionLengthMax) {
    return `its definition is longer than ${definitionLengthMax}`;
  }
  return { serverTool, name: toolNameOf(alias, serverTool), digest: sha256Hex(text), listed };
}

/** One reader might take `Name` for `name`, and another one not: then they would see different tools. */
function isStray(member: string): boolean {
  if (member === '__proto__') return true;
  // Normalizing takes time that grows with the square of a text of combining marks: nothing long.
  if (members.includes(member) || member.length > memberLengthMax) return false;
  const plain = member.normalize('NFKC').toLowerCase();
  return members.some((name) => name.toLowerCase() === plain);
}

function readText(listed: JsonObject): string | undefined {
  try {
    return canonicalJson(listed);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}
