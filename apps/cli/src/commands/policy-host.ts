import {
  ActivateBundleResponseSchema,
  GetPolicyStatusResponseSchema,
  HealthStatus,
  PolicyMode,
  PolicyValidity,
  ReplayReportSchema,
} from '@modelhost/contracts';
import type {
  DecisionLogStatus,
  GetPolicyStatusResponse,
  PolicyBundle,
  Tool,
} from '@modelhost/contracts';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { ModelHostError } from '@modelhost/sdk';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile, writeWhole } from '../named-files.ts';
import { renderReplay } from '../policy/replay-text.ts';
import { formatMoment, toSinceMs } from '../policy/since.ts';
import type { Since } from '../policy/since.ts';
import { confidentialityNames } from '../text/obligations-text.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toLine, toPrintable } from '../text/printable.ts';
import { count } from '../text/quantities.ts';
import { toolEffectNames, toolIntegrityNames } from '../text/tool-words.ts';

/** What `policy replay` is told. */
export interface ReplayFlags extends ConnectionFlags, JsonFlag {
  readonly bundle: string;
  readonly since: Since;
}

/** What `policy tools` is told. */
export interface ToolsFlags extends ConnectionFlags {
  readonly into?: string;
}

type ReadFlags = ConnectionFlags & JsonFlag;

/** What a candidate would have decided otherwise. */
export async function replay(context: CliContext, flags: ReplayFlags): Promise<void> {
  const bundle = await readNamedFile(flags.bundle);
  const sinceMs = toSinceMs(flags.since, context.now());
  await withClient(context, flags, async (client) => {
    const report = await client.replayDecisions(bundle, { sinceMs });
    context.print(
      flags.json === true
        ? `${toJsonText(ReplayReportSchema, report, 2)}\n`
        : renderReplay(report, context.paint),
    );
  });
}

/** Brings a bundle into force, and says what it would have changed; exits with 1 when it is refused. */
export async function activate(context: CliContext, flags: ReadFlags, file: string): Promise<void> {
  const bytes = await readNamedFile(file);
  await withClient(context, flags, async (client) => {
    const answer = await client.activateBundle(bytes).catch((thrown: unknown) => {
      throw isRefusal(thrown) ? refused(file, thrown) : thrown;
    });
    if (flags.json === true) {
      return context.print(`${toJsonText(ActivateBundleResponseSchema, answer, 2)}\n`);
    }
    const { bundle, unchanged, testsPassed, replay: report } = answer;
    const what = bundle === undefined ? file : nameOf(bundle);
    const where = bundle?.mode === PolicyMode.SHADOW ? 'in the shadow' : 'in force';
    if (unchanged) return context.print(`${what} is ${where} already\n`);
    context.print(
      `${context.paint.green(what)} is ${where}; ${count(testsPassed, 'test')} passed\n`,
    );
    if (report !== undefined) context.print(renderReplay(report, context.paint));
  });
}

/** What is in force, and how well that goes. */
export async function showStatus(context: CliContext, flags: ReadFlags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.getPolicyStatus();
    context.print(
      flags.json === true
        ? `${toJsonText(GetPolicyStatusResponseSchema, answer, 2)}\n`
        : renderStatus(answer, context.paint),
    );
    if (answer.status === HealthStatus.DOWN) context.exitWith(exitCodes.unavailable);
  });
}

/** The catalogue as the `tools.json` of a project: what its rules are checked with, and its tests may name. */
export async function snapshotTools(context: CliContext, flags: ToolsFlags): Promise<void> {
  const { into } = flags;
  await withClient(context, flags, async (client) => {
    const tools = (await client.listTools()).tools.map(toDefinition);
    if (into === undefined) return context.print(toText(tools));
    const names = new Set(tools.map(({ name }) => name));
    const kept = (await readTools(into)).filter(({ name }) => !names.has(name));
    await writeWhole(into, toText([...kept, ...tools]));
    context.say(`${into}: ${count(tools.length, 'tool')} of the host, ${kept.length} others kept`);
  });
}

function isRefusal(thrown: unknown): thrown is ModelHostError {
  return thrown instanceof ModelHostError && thrown.facts['refusal'] !== undefined;
}

function refused(file: string, { message, facts }: ModelHostError): CommandError {
  return new CommandError(
    exitCodes.failure,
    `${file}: ${facts['refusal'] ?? ''}: ${message}`,
    'what was in force still is; `model-host policy status` shows it',
  );
}

function renderStatus(answer: GetPolicyStatusResponse, paint: Paint): string {
  const { status, policyDigest, bundles, problems, fromDirectory, decisionLog } = answer;
  const rows = bundles.map((bundle) => [
    nameOf(bundle),
    bundle.tenant === '' ? 'platform' : toLine(bundle.tenant, 64),
    slotOf(bundle),
    `${validityNames[bundle.validity] ?? 'unknown'} until ${formatMoment(bundle.expireTime)}`,
    // As much of an id as tells keys apart for people; --json has the whole.
    bundle.signedBy.map((keyId) => toPrintable(keyId).slice(0, 12)).join(' '),
    bundle.activatedBy === '' ? 'the configuration' : toLine(bundle.activatedBy, 64),
  ]);
  return [
    `policy ${statusNames[status] ?? 'unknown'}${fromDirectory ? ', from a directory, not signed' : ''}\n`,
    ...(policyDigest === '' ? [] : [`digest ${policyDigest}\n`]),
    ...problems.map((problem) => `${paint.red('problem')} ${toPrintable(problem)}\n`),
    ...(rows.length === 0
      ? []
      : [`\n${toTable(['BUNDLE', 'FOR', 'AS', 'VALIDITY', 'SIGNED BY', 'ACTIVATED BY'], rows)}`]),
    ...bundles.filter(isShadow).map((bundle) => `\n${describeShadow(bundle)}`),
    ...(decisionLog === undefined ? [] : [`\n${describeLog(decisionLog)}`]),
  ].join('');
}

function describeShadow(bundle: PolicyBundle): string {
  const { shadowDecisions, shadowDifferences, shadowDropped } = bundle;
  const dropped = shadowDropped === 0n ? '' : `, ${shadowDropped} not decided for want of time`;
  return `${nameOf(bundle)} in the shadow: ${shadowDecisions} decided, ${shadowDifferences} otherwise than what is in force${dropped}\n`;
}

function describeLog({ entries, dropped, unreadable, failing }: DecisionLogStatus): string {
  return [
    `decision log: ${count(Number(entries), 'decision')}`,
    ...(dropped === 0n ? [] : [`${dropped} not kept`]),
    ...(unreadable === 0n ? [] : [`${unreadable} unreadable`]),
    ...(failing ? ['cannot be written now'] : []),
  ]
    .join(', ')
    .concat('\n');
}

function nameOf({ name, revision }: PolicyBundle): string {
  return `${toLine(name, 64)}@${revision}`;
}

function isShadow({ mode }: PolicyBundle): boolean {
  return mode === PolicyMode.SHADOW;
}

function slotOf(bundle: PolicyBundle): string {
  if (isShadow(bundle)) return 'shadow';
  const { canaryTenants } = bundle;
  return canaryTenants.length === 0
    ? 'enforce'
    : `enforce for ${toLine(canaryTenants.join(', '), 60)}`;
}

/** A tool as `tools.json` has it; the rest is known to those who read it. */
interface ToolEntry extends JsonObject {
  readonly name: string;
}

function toText(tools: readonly ToolEntry[]): string {
  const sorted = tools.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

async function readTools(path: string): Promise<readonly ToolEntry[]> {
  const value = parseJsonText((await readNamedFile(path)).toString());
  if (Array.isArray(value) && value.every(isToolEntry)) return value;
  throw new CommandError(
    exitCodes.usage,
    `${path}: is no list of tools`,
    'name the tools.json of a project, or a new file by > instead',
  );
}

function isToolEntry(value: Json): value is ToolEntry {
  return isJsonObject(value) && typeof value['name'] === 'string';
}

function toDefinition(tool: Tool): ToolEntry {
  const { name, effect, integrity, egress, confidentiality, clearance } = tool;
  const { server, serverTool, decisionArguments, summedArguments } = tool;
  return {
    name,
    server,
    serverTool,
    effect: toolEffectNames[effect] ?? 'irreversible',
    integrity: toolIntegrityNames[integrity] ?? 'untrusted',
    decisionArguments,
    egress,
    confidentiality: confidentialityNames[confidentiality] ?? 'secret',
    clearance: confidentialityNames[clearance] ?? 'public',
    ...(summedArguments.length === 0 ? {} : { summedArguments }),
    inputSchema: parseJsonText(tool.inputSchemaJson),
  };
}

// A newer host may send values that are not in these tables.
const statusNames: Readonly<Record<number, string>> = {
  [HealthStatus.UP]: 'up',
  [HealthStatus.DEGRADED]: 'degraded',
  [HealthStatus.DOWN]: 'down',
};

const validityNames: Readonly<Record<number, string>> = {
  [PolicyValidity.VALID]: 'valid',
  [PolicyValidity.GRACE]: 'expired, in its grace',
  [PolicyValidity.EXPIRED]: 'expired, denies everything',
};
