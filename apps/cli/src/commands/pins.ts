import { create } from '@bufbuild/protobuf';
import { ApproveToolsResponseSchema, ListToolPinsResponseSchema } from '@modelhost/contracts';
import type { ListToolPinsResponse, ToolPin } from '@modelhost/contracts';
import type { ToolApprovals } from '@modelhost/sdk';
import { confirm } from '../confirm.ts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toLine } from '../text/printable.ts';
import { count } from '../text/quantities.ts';
import { isPending, pinStateName, renderPin } from '../text/tool-pins.ts';

/** What `tools pins` is told. */
export interface PinsFlags extends ConnectionFlags, JsonFlag {
  readonly pending?: boolean;
}

/** What `tools approve` is told. */
export interface ApproveToolsFlags extends ConnectionFlags, JsonFlag {
  readonly yes?: boolean;
}

/** Where the definitions of tools stand. */
export async function listPins(
  context: CliContext,
  flags: PinsFlags,
  alias?: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.listToolPins({
      ...(alias === undefined ? {} : { alias }),
      pendingOnly: flags.pending === true,
    });
    if (alias !== undefined) refuseUnknown(answer, alias);
    if (flags.json === true) {
      return context.print(`${toJsonText(ListToolPinsResponseSchema, answer, 2)}\n`);
    }
    if (flags.pending === true) {
      for (const pin of answer.pins) context.print(renderPin(pin, context.paint));
    } else {
      const rows = answer.pins.map((pin) => [
        toLine(pin.name, 64),
        pinStateName(pin),
        toLine(pin.approvedBy, 40),
        toLine(pin.problem === '' ? pin.warnings.join('; ') : pin.problem, 120),
      ]);
      context.print(toTable(['TOOL', 'STATE', 'APPROVED BY', 'NOTE'], rows));
    }
    const pending = answer.pins.filter(isPending);
    if (pending.length === 0) return;
    const aliases = [...new Set(pending.map((pin) => pin.alias))];
    context.say(
      `next: \`model-host tools approve ${aliases.length === 1 ? aliases[0] : 'SERVER'}\``,
    );
  });
}

/** Shows what is held back of a server and approves exactly that, once a person said yes. */
export async function approveTools(
  context: CliContext,
  flags: ApproveToolsFlags,
  alias: string,
  ...names: readonly string[]
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const listed = await client.listToolPins({ alias });
    refuseUnknown(listed, alias);
    const chosen = choose(listed, alias, names);
    if (chosen.length === 0) {
      return context.say(`nothing of ${names.join(', ') || alias} is held back`);
    }
    // On stderr where stdout has a document.
    const show = flags.json === true ? context.say : (text: string) => context.print(`${text}\n`);
    for (const pin of chosen) show(renderPin(pin, context.paint).trimEnd());
    await confirm(context, {
      yes: flags.yes,
      question: `Approve exactly ${chosen.length === 1 ? 'this tool' : `these ${chosen.length} tools`}?`,
      unasked: [
        'nobody can be asked here, and nothing is approved unseen',
        'give --yes once you have looked at what is shown above',
      ],
      refusal: 'nothing is approved',
    });
    const pins = [...(await client.approveTools(approvalsOf(listed, alias, { chosen, names })))];
    if (flags.json === true) {
      const answer = create(ApproveToolsResponseSchema, { pins });
      context.print(`${toJsonText(ApproveToolsResponseSchema, answer, 2)}\n`);
    } else {
      context.say(`approved ${count(chosen.length, 'tool')} of ${alias}`);
    }
  });
}

function refuseUnknown({ sets }: ListToolPinsResponse, alias: string): void {
  if (sets.some((set) => set.alias === alias)) return;
  throw new CommandError(
    exitCodes.notFound,
    `there is no tool server ${alias}`,
    '`model-host tools status` shows what there is',
  );
}

function choose(
  { pins }: ListToolPinsResponse,
  alias: string,
  names: readonly string[],
): readonly ToolPin[] {
  const unknown = names.find((name) => !pins.some((pin) => isNamed(pin, name)));
  if (unknown !== undefined) {
    throw new CommandError(
      exitCodes.notFound,
      `${alias} has no tool ${unknown}`,
      `\`model-host tools pins ${alias}\` shows what it has`,
    );
  }
  const pending = pins.filter(isPending);
  return names.length === 0
    ? pending
    : pending.filter((pin) => names.some((name) => isNamed(pin, name)));
}

/** By its name in the catalogue, or by that at its server. */
function isNamed(pin: ToolPin, name: string): boolean {
  return pin.name === name || pin.tool === name;
}

/** Everything by the digest of the set, so that nothing can come in between; some tools by their own. */
function approvalsOf(
  { sets }: ListToolPinsResponse,
  alias: string,
  { chosen, names }: { readonly chosen: readonly ToolPin[]; readonly names: readonly string[] },
): ToolApprovals {
  const setDigest = sets.find((set) => set.alias === alias)?.setDigest ?? '';
  return names.length === 0
    ? { alias, setDigest }
    : { alias, tools: chosen.map(({ tool, digest }) => ({ tool, digest })) };
}
