import type { ListedTool } from './listed-tools.ts';
import type { PinKeeper } from './pin-keeper.ts';
import type { ServerPins } from './pin-records.ts';
import { createPinTeller } from './pin-teller.ts';
import type { Fresh, PinTellerOptions } from './pin-teller.ts';
import { isApproved, observe, pinOf } from './pins.ts';
import type { ServerEntry } from './server-entry.ts';

/** Brings pins and catalogue together after a server was listed. */
export interface PinSettler {
  /** Resolves when what was listed before the call may be used as far as it is approved; never rejects. */
  settle(entry: ServerEntry): Promise<void>;
}

/** What a settler works with. */
export interface PinSettlerOptions extends PinTellerOptions {
  readonly keeper: PinKeeper;
  readonly now: () => number;
  /** Offers what is approved now. */
  readonly offer: (entry: ServerEntry) => void;
}

/** Settles each server once at a time: lists that come meanwhile share one more round. */
export function createPinSettler(options: PinSettlerOptions): PinSettler {
  const { keeper, now, log, offer } = options;
  const tell = createPinTeller(options);
  const rounds = new Map<string, { current: Promise<void>; next: Promise<void> | undefined }>();

  function settle(entry: ServerEntry): Promise<void> {
    const { alias } = entry;
    const round = rounds.get(alias);
    if (round === undefined) {
      const current = settleOnce(entry).finally(() => rounds.delete(alias));
      rounds.set(alias, { current, next: undefined });
      return current;
    }
    round.next ??= round.current.then(() => settle(entry));
    return round.next;
  }

  async function settleOnce(entry: ServerEntry): Promise<void> {
    const { alias, tools } = entry;
    try {
      await keeper.loaded();
      const fresh = entry.isListed() ? await record(entry) : undefined;
      await tools.build(keeper.of(alias));
      offer(entry);
      if (fresh !== undefined) await tell(entry, fresh);
    } catch (cause) {
      log(alias, `what it lists is held back: ${String(cause)}`);
      offer(entry);
    }
  }

  /** Writes down what was listed; returns what nobody looked at yet. */
  async function record({ alias, tools }: ServerEntry): Promise<Fresh> {
    const { pinning } = tools.spec;
    let fresh: Fresh = { trusted: [], held: [] };
    try {
      await keeper.change(alias, (before) => {
        const listed = tools.listed();
        const after = observe(before, listed, { pinning, nowMs: now() });
        fresh = freshOf(before, after, listed);
        return after;
      });
    } catch (cause) {
      // What was approved before stays approved; nothing that came with this list is.
      log(alias, `what is new in its list is held back: ${String(cause)}`);
      fresh = { ...fresh, trusted: [] };
    }
    return fresh;
  }

  return { settle };
}

function freshOf(
  before: ServerPins | undefined,
  after: ServerPins,
  listed: readonly ListedTool[],
): Fresh {
  const trusted = listed.filter((tool) => isApproved(after, tool) && !isApproved(before, tool));
  const held = listed.filter(
    (tool) =>
      !isApproved(after, tool) && pinOf(before, tool.serverTool)?.pending?.digest !== tool.digest,
  );
  return { trusted, held };
}
