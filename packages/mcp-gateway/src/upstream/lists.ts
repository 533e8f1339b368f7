import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { shortLine } from '../hiding.ts';
import type { HideText } from '../hiding.ts';
import type { RpcError } from '../relay.ts';
import { failed } from './failures.ts';
import { findHeaderFault } from './mcp-headers.ts';
import type { RpcAnswer } from './rpc-message.ts';

/** Everything that a server lists, as it lists it. */
export interface UpstreamLists {
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
}

/** What changes on its own. */
export type ListKind = 'tools' | 'prompts' | 'resources';

/** What reading lists needs. */
export interface ListsOptions {
  readonly server: string;
  readonly capabilities: JsonObject;
  /** Tools may ask for headers, which some cannot have. */
  readonly isModernHttp: boolean;
  readonly request: (method: string, params: JsonObject) => Promise<RpcAnswer>;
  readonly log: (message: string) => void;
  /** For what the server says itself. */
  readonly hide: HideText;
}

const pagesMax = 32;
const itemsMax = 512;
const listBytesMax = 2_097_152;

/** Reads the lists of those kinds that the server has; the others are empty. Rejects if any cannot be read. */
export async function readLists(
  options: ListsOptions,
  kinds: ReadonlySet<ListKind>,
): Promise<UpstreamLists> {
  const wanted = (kind: ListKind): boolean =>
    kinds.has(kind) && isJsonObject(options.capabilities[kind]);
  const none = Promise.resolve([]);
  const [tools, prompts, resources, resourceTemplates] = await Promise.all([
    wanted('tools') ? readPages(options, 'tools/list', 'tools') : none,
    wanted('prompts') ? readPages(options, 'prompts/list', 'prompts') : none,
    wanted('resources') ? readPages(options, 'resources/list', 'resources') : none,
    wanted('resources')
      ? readPages(options, 'resources/templates/list', 'resourceTemplates')
      : none,
  ]);
  return { tools: withoutUncallable(tools, options), prompts, resources, resourceTemplates };
}

/** The items of all pages, up to the caps. */
async function readPages(
  options: ListsOptions,
  method: string,
  member: keyof UpstreamLists,
): Promise<readonly JsonObject[]> {
  const { server, request, log } = options;
  const items: JsonObject[] = [];
  let bytes = 0;
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    // Each page names the next one.
    const answer = await request(method, params); // oxlint-disable-line no-await-in-loop
    if (answer.kind === 'error') return refuse(answer.error, options, { method, member });
    const { [member]: listed, nextCursor } = answer.result;
    if (!Array.isArray(listed)) throw failed('mcp_protocol_error', server, `${method}: no list`);
    for (const item of listed) {
      if (!isJsonObject(item)) throw failed('mcp_protocol_error', server, `${method}: no object`);
      bytes += Buffer.byteLength(JSON.stringify(item));
      if (items.length === itemsMax || bytes > listBytesMax) {
        log(`the catalogue is cut after ${items.length} ${nounOf(member)}`);
        return items;
      }
      items.push(item);
    }
    if (typeof nextCursor !== 'string') return items;
    cursor = nextCursor;
  }
  log(`the catalogue is cut after ${pagesMax} pages`);
  return items;
}

/** A server without tools is of no use; the rest it may announce and not have. */
function refuse(
  { code, message }: RpcError,
  { server, log, hide }: ListsOptions,
  { method, member }: { readonly method: string; readonly member: keyof UpstreamLists },
): readonly JsonObject[] {
  const text = shortLine(message, hide);
  const reason = `${method}: it answered error ${code}: ${text}`;
  if (member !== 'tools') {
    log(reason);
    return [];
  }
  throw failed('mcp_protocol_error', server, reason, { facts: { rpc_code: String(code) } });
}

function nounOf(member: keyof UpstreamLists): string {
  return member === 'resourceTemplates' ? 'resource templates' : member;
}

function withoutUncallable(
  tools: readonly JsonObject[],
  { isModernHttp, log }: ListsOptions,
): readonly JsonObject[] {
  if (!isModernHttp) return tools;
  return tools.filter((tool) => {
    const fault = findHeaderFault(tool);
    if (fault !== undefined) log(`${JSON.stringify(tool['name'])} is left out: ${fault}`);
    return fault === undefined;
  });
}
