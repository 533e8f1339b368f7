import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonArray } from '../json-array.ts';
import type { Hiding } from '../hiding.ts';
import type { Exchange, ExchangeContext, ExchangeOutcome, McpRelay, ResultPart } from '../relay.ts';
import { cutText } from './cut-text.ts';
import type { ResultStore } from './result-store.ts';

/** What a relay is capped with. */
export interface CappedRelayOptions {
  readonly results: ResultStore;
  /** Bytes of text that a result of a server's tool may have. */
  readonly bytesMaxOf: (alias: string) => number;
  /** Hides what is sensitive in what is cut, and in what is kept of it. */
  readonly hideLong: Hiding['long'];
}

const scheme = 'result://';
const nextOffsetKey = 'modelhost/next-offset';
/** Of 2025-11-25; façades know what it is in later revisions. */
const resourceNotFound = -32_002;
/** Bytes of one answer to `resources/read`. */
const pieceBytesMax = 262_144;
/** Of what stands before a piece: whoever hides more in pieces finds any value there that begins before one. */
const bytesBefore = 20_480;

/**
 * A relay that gives results of tools with no more text than their server may have. The whole is then a resource of
 * that server, `result://…`, which the result links to and which only the same principal can read, for a while. One
 * answer has a piece of it; `_meta` then has the offset to go on from, as `?offset=` behind the URI.
 * Structured content stays whole: half of it would be of another schema.
 */
export function createCappedRelay(relay: McpRelay, options: CappedRelayOptions): McpRelay {
  const { results, bytesMaxOf, hideLong } = options;

  async function exchange(
    target: Parameters<McpRelay['exchange']>[0],
    asked: Exchange,
    context: ExchangeContext,
  ): Promise<ExchangeOutcome> {
    const { uri } = asked.params;
    const { principal } = context;
    if (asked.method === 'resources/read' && typeof uri === 'string' && uri.startsWith(scheme)) {
      return readResult(uri, (handle, range) => results.read(principal, handle, range));
    }
    const outcome = await relay.exchange(target, asked, context);
    if (asked.method !== 'tools/call' || outcome.kind !== 'complete') return outcome;
    const capped = await capResult(outcome.result, {
      bytesMax: bytesMaxOf(target.alias),
      spill: (text) => results.put(principal, text),
      hide: async (text) => hideLong(text, principal.tenant),
    });
    return capped ?? outcome;
  }

  return { ...relay, exchange };
}

type Complete = Extract<ExchangeOutcome, { kind: 'complete' }>;

interface CapOptions {
  readonly bytesMax: number;
  readonly spill: (text: string) => string | undefined;
  readonly hide: (text: string) => Promise<string>;
}

/** Undefined when its text is within the bound, which it nearly always is. */
async function capResult(result: JsonObject, options: CapOptions): Promise<Complete | undefined> {
  const { bytesMax, spill } = options;
  const { content } = result;
  if (!isJsonArray(content) || bytesOf(content) <= bytesMax) return undefined;
  const hidden = await hideTexts(content, options.hide);
  const bytesTotal = bytesOf(hidden);
  if (bytesTotal <= bytesMax) return { kind: 'complete', result: { ...result, content: hidden } };
  const handle = spill(hidden.flatMap((block) => textOf(block) ?? []).join('\n'));
  const kept: Json[] = [];
  let bytesLeft = bytesMax;
  let part: ResultPart | undefined;
  for (const block of hidden) {
    const whole = textOf(block);
    const cut = whole === undefined ? undefined : cutText(whole, bytesLeft);
    if (cut === undefined || !isJsonObject(block)) {
      kept.push(block);
      continue;
    }
    const isCut = cut.bytes < cut.bytesTotal;
    bytesLeft = isCut ? 0 : bytesLeft - cut.bytes;
    if (cut.text === '') continue;
    if (isCut) part = { index: kept.length, before: '', isCut };
    kept.push(withText(block, cut.text));
  }
  const capped = { ...result, content: [...kept, ...noteOf(handle, bytesMax, bytesTotal)] };
  return { kind: 'complete', result: capped, ...(part === undefined ? {} : { part }) };
}

function bytesOf(content: readonly Json[]): number {
  return content.reduce((sum: number, block) => sum + Buffer.byteLength(textOf(block) ?? ''), 0);
}

async function hideTexts(
  content: readonly Json[],
  hide: CapOptions['hide'],
): Promise<readonly Json[]> {
  const hidden: Json[] = [];
  for (const block of content) {
    const text = textOf(block);
    const isText = text !== undefined && isJsonObject(block);
    // All of them at once would be as long as one text of them all.
    hidden.push(isText ? withText(block, await hide(text)) : block); // oxlint-disable-line no-await-in-loop
  }
  return hidden;
}

function noteOf(
  handle: string | undefined,
  bytesMax: number,
  bytesTotal: number,
): readonly JsonObject[] {
  const cut = `[cut after ${bytesMax} of ${bytesTotal} bytes of text`;
  if (handle === undefined) return [{ type: 'text', text: `${cut}]` }];
  return [
    { type: 'text', text: `${cut}; the resource that is linked here has all of it, in pieces]` },
    { type: 'resource_link', uri: handle, name: 'whole result', mimeType: 'text/plain' },
  ];
}

/** Of a text, or of a resource that comes along; the rest has no text that a model would read. */
function textOf(block: Json): string | undefined {
  const holder = isJsonObject(block) && isJsonObject(block['resource']) ? block['resource'] : block;
  if (!isJsonObject(holder)) return undefined;
  return typeof holder['text'] === 'string' ? holder['text'] : undefined;
}

function withText(block: JsonObject, text: string): JsonObject {
  const { resource } = block;
  return isJsonObject(resource)
    ? { ...block, resource: { ...resource, text } }
    : { ...block, text };
}

function readResult(
  uri: string,
  read: (
    handle: string,
    range: { offset: number; length: number },
  ) => ReturnType<ResultStore['read']>,
): ExchangeOutcome {
  const [, handle = '', offset = '0'] =
    /^(result:\/\/[A-Za-z0-9-]{1,64})(?:\?offset=(\d{1,12}))?$/.exec(uri) ?? [];
  try {
    const piece = read(handle, { offset: Number(offset), length: pieceBytesMax });
    const { text, offset: start, nextOffset, bytesTotal } = piece;
    const from = Math.max(0, start - bytesBefore);
    const { text: before } = read(handle, { offset: from, length: start - from });
    const part = { index: 0, before, isCut: nextOffset !== undefined };
    const whole = { uri, mimeType: 'text/plain', text };
    if (nextOffset === undefined) return { kind: 'complete', result: { contents: [whole] }, part };
    // Not every client shows `_meta`, and a reader that stops here has to know it.
    const note = `[the first ${nextOffset} of ${bytesTotal} bytes end here; put ?offset=${nextOffset} behind the address for more]`;
    const contents = [
      { ...whole, _meta: { [nextOffsetKey]: nextOffset } },
      { uri, mimeType: 'text/plain', text: note },
    ];
    return { kind: 'complete', result: { contents }, part };
  } catch (cause) {
    if (!(cause instanceof HostError && cause.code === 'not_found')) throw cause;
    const error = { code: resourceNotFound, message: 'resource not found', data: { uri } };
    return { kind: 'error', error };
  }
}
