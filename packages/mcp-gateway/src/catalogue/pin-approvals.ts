import { HostError } from '@modelhost/kernel';
import { compare, digestOfSet } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { PinAdmin, PinApproval, PinSetView, PinView } from './pin-admin.ts';
import type { PinKeeper } from './pin-keeper.ts';
import type { ServerPins } from './pin-records.ts';
import { viewSet } from './pin-views.ts';
import type { PinnedServer, PinViews } from './pin-views.ts';
import { approve, firstPins, pinOf } from './pins.ts';
import type { ServerEntry } from './server-entry.ts';

/** What the administration of pins works with. */
export interface PinAdminOptions {
  readonly keeper: PinKeeper;
  readonly entries: ReadonlyMap<string, ServerEntry>;
  readonly now: () => number;
  readonly views: PinViews;
  readonly pinned: (tenant?: string) => readonly PinnedServer[];
  /** Offers what is approved now. */
  readonly offer: (entry: ServerEntry) => void;
}

const approvedMax = 4_096;
const nameLengthMax = 256;

/** It is the only way to approve anything, but for the first list of a server that is pinned on first use. */
export function createPinAdmin(options: PinAdminOptions): PinAdmin {
  const { keeper, entries, views, pinned, now } = options;

  function list(tenant?: string): readonly PinView[] {
    return views.list(pinned(tenant));
  }

  function sets(tenant?: string): readonly PinSetView[] {
    return pinned(tenant)
      .map(viewSet)
      .sort((left, right) => compare(left.alias, right.alias));
  }

  async function approveNow(approval: PinApproval): Promise<readonly PinView[]> {
    const { alias, by } = approval;
    const entry = entries.get(alias);
    if (entry === undefined) throw new HostError('not_found', 'no tool server has this alias');
    if (by === '' || by.length > nameLengthMax) {
      throw new HostError('validation_failed', 'an approval names who answers for it');
    }
    const { tools } = entry;
    let chosen: ReadonlySet<string> = new Set();
    await keeper.change(alias, (pins) => {
      const listed = tools.listed();
      chosen = readChosen(listed, approval, pins);
      const { pinning } = tools.spec;
      const seen = pins ?? firstPins(listed, { pinning, nowMs: now() });
      const approved = approve(seen, listed, { chosen, by, nowMs: now() });
      refuseTooMany(approved);
      return approved;
    });
    await tools.build(keeper.of(alias));
    options.offer(entry);
    return list().filter((view) => view.alias === alias && chosen.has(view.tool));
  }

  return { list, sets, approve: approveNow };
}

function readChosen(
  listed: readonly ListedTool[],
  approval: PinApproval,
  pins: ServerPins | undefined,
): ReadonlySet<string> {
  if ('setDigest' in approval ? listed.length === 0 : approval.tools.length === 0) {
    throw new HostError('validation_failed', 'there is nothing to approve');
  }
  if ('setDigest' in approval) {
    if (digestOfSet(listed) !== approval.setDigest) refuseChanged(approval.alias);
    return new Set(listed.map(({ serverTool }) => serverTool));
  }
  const byName = new Map(listed.map((tool) => [tool.serverTool, tool]));
  for (const { tool, digest } of approval.tools) {
    const now = byName.get(tool)?.digest;
    if (now === undefined && pinOf(pins, tool) === undefined) {
      throw new HostError('not_found', 'the server lists no tool of this name', {
        facts: { server: approval.alias, tool },
      });
    }
    if (now !== digest) refuseChanged(approval.alias, tool);
  }
  return new Set(approval.tools.map(({ tool }) => tool));
}

function refuseChanged(server: string, tool?: string): never {
  const facts = { server, ...(tool === undefined ? {} : { tool }) };
  const message = 'what is listed now is not what was looked at: look at it again';
  throw new HostError('failed_precondition', message, { facts });
}

/** Approvals are kept for ever, so there is an end to them. */
function refuseTooMany({ tools }: ServerPins): void {
  if (Object.keys(tools).length <= approvedMax) return;
  throw new HostError('failed_precondition', `the server has more than ${approvedMax} pins`);
}
