import { compare, digestOfSet } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { PinState } from './pin-admin.ts';
import type { ServerPins, ToolPin } from './pin-records.ts';

/** Who approved the first catalogue of a server that is pinned on first use. */
const firstUse = 'first-use';

/** The pin of a tool, whatever it is called. */
export function pinOf(pins: ServerPins | undefined, tool: string): ToolPin | undefined {
  return pins !== undefined && Object.hasOwn(pins.tools, tool) ? pins.tools[tool] : undefined;
}

/** Whether this very definition is approved. */
export function isApproved(
  pins: ServerPins | undefined,
  { serverTool, digest }: Pick<ListedTool, 'serverTool' | 'digest'>,
): boolean {
  return pinOf(pins, serverTool)?.approved?.digest === digest;
}

/** Whether anything of the server may be offered: one that waits for approval is closed until its first one. */
export function isOpen(
  pins: ServerPins | undefined,
  { pinning }: { readonly pinning: 'first-use' | 'approve' },
): boolean {
  if (pinning === 'first-use') return true;
  return Object.values(pins?.tools ?? {}).some(({ approved }) => approved !== undefined);
}

/** Where a tool that is listed stands. */
export function pinStateOf(
  pins: ServerPins | undefined,
  tool: Pick<ListedTool, 'serverTool' | 'digest'>,
): PinState {
  if (isApproved(pins, tool)) return 'approved';
  return pinOf(pins, tool.serverTool)?.approved === undefined ? 'new' : 'quarantined';
}

/**
 * The pins after a server was listed. Approvals are never lost, also those of tools that are gone; what was never
 * approved and is gone is forgotten. The same object when nothing changed.
 */
export function observe(
  pins: ServerPins | undefined,
  tools: readonly ListedTool[],
  options: { readonly pinning: 'first-use' | 'approve'; readonly nowMs: number },
): ServerPins {
  const isTrusted = pins === undefined && options.pinning === 'first-use';
  const by = isTrusted ? firstUse : undefined;
  const seen = new Map(
    tools.map((tool) => [tool.serverTool, see(pinOf(pins, tool.serverTool), tool, by, options)]),
  );
  for (const [serverTool, { approved }] of Object.entries(pins?.tools ?? {})) {
    if (seen.has(serverTool) || approved === undefined) continue;
    seen.set(serverTool, { approved, pending: undefined, isListed: false });
  }
  return withTools(pins, tools, seen);
}

/** The pins of a server that somebody approves something of before its first list was written down. */
export function firstPins(
  tools: readonly ListedTool[],
  options: Parameters<typeof observe>[2],
): ServerPins {
  if (options.pinning === 'first-use') return observe(undefined, tools, options);
  return { setDigest: '', approvedSetDigest: '', tools: {} };
}

/** The pins with the definitions of these tools approved as they are listed now. */
export function approve(
  pins: ServerPins,
  tools: readonly ListedTool[],
  options: {
    readonly chosen: ReadonlySet<string>;
    readonly by: string;
    readonly nowMs: number;
  },
): ServerPins {
  const seen = new Map(Object.entries(pins.tools));
  for (const tool of tools) {
    if (!options.chosen.has(tool.serverTool) || isApproved(pins, tool)) continue;
    seen.set(tool.serverTool, see(undefined, tool, options.by, options));
  }
  return withTools(pins, tools, seen);
}

function see(
  pin: ToolPin | undefined,
  { digest, listed }: ListedTool,
  by: string | undefined,
  { nowMs }: { readonly nowMs: number },
): ToolPin {
  if (by !== undefined) {
    const approved = { digest, listed, by, atMs: nowMs };
    return { approved, pending: undefined, isListed: true };
  }
  if (pin?.approved?.digest === digest) {
    return { approved: pin.approved, pending: undefined, isListed: true };
  }
  const pending =
    pin?.pending?.digest === digest ? pin.pending : { digest, listed, seenAtMs: nowMs };
  return { approved: pin?.approved, pending, isListed: true };
}

function withTools(
  before: ServerPins | undefined,
  tools: readonly ListedTool[],
  seen: ReadonlyMap<string, ToolPin>,
): ServerPins {
  const setDigest = digestOfSet(tools);
  const isClear = tools.every(
    ({ serverTool, digest }) => seen.get(serverTool)?.approved?.digest === digest,
  );
  const after: ServerPins = {
    setDigest,
    approvedSetDigest: isClear ? setDigest : (before?.approvedSetDigest ?? ''),
    tools: Object.fromEntries([...seen].sort(([left], [right]) => compare(left, right))),
  };
  return before !== undefined && isSame(before, after) ? before : after;
}

function isSame(before: ServerPins, after: ServerPins): boolean {
  const names = Object.keys(after.tools);
  return (
    before.setDigest === after.setDigest &&
    before.approvedSetDigest === after.approvedSetDigest &&
    names.length === Object.keys(before.tools).length &&
    names.every((name) => isSamePin(pinOf(before, name), pinOf(after, name)))
  );
}

function isSamePin(before: ToolPin | undefined, after: ToolPin | undefined): boolean {
  return (
    before?.approved?.digest === after?.approved?.digest &&
    before?.pending?.digest === after?.pending?.digest &&
    before?.isListed === after?.isListed
  );
}
