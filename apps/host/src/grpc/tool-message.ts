import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ToolEffect, ToolIntegrity, ToolPinState, ToolServerState } from '@modelhost/contracts';
import type {
  ToolAnnotationsSchema,
  ToolPinSchema,
  ToolPinSetSchema,
  ToolSchema,
  ToolServerSchema,
} from '@modelhost/contracts';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, ToolDefinition, ToolServerStatus } from '@modelhost/kernel';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { confidentialities } from './policy-message.ts';

/** What the gateway knows of one tool's definition. */
export type PinView = ReturnType<McpGateway['pins']['list']>[number];
/** What it knows of one server's tools together. */
export type PinSetView = ReturnType<McpGateway['pins']['sets']>[number];

const effects: Readonly<Record<ToolDefinition['effect'], ToolEffect>> = {
  none: ToolEffect.NONE,
  idempotent: ToolEffect.IDEMPOTENT,
  reversible: ToolEffect.REVERSIBLE,
  irreversible: ToolEffect.IRREVERSIBLE,
};
const integrities: Readonly<Record<ToolDefinition['integrity'], ToolIntegrity>> = {
  trusted: ToolIntegrity.TRUSTED,
  untrusted: ToolIntegrity.UNTRUSTED,
};
const serverStates: Readonly<Record<ToolServerStatus['state'], ToolServerState>> = {
  idle: ToolServerState.IDLE,
  connecting: ToolServerState.CONNECTING,
  ready: ToolServerState.READY,
  degraded: ToolServerState.DEGRADED,
  open: ToolServerState.OPEN,
  quarantined: ToolServerState.QUARANTINED,
  failed: ToolServerState.FAILED,
  closed: ToolServerState.CLOSED,
};
const pinStates: Readonly<Record<PinView['state'], ToolPinState>> = {
  new: ToolPinState.NEW,
  quarantined: ToolPinState.QUARANTINED,
  approved: ToolPinState.APPROVED,
  gone: ToolPinState.GONE,
};

/** A tool as its message; `listed` is what its server says of it. */
export function toToolMessage(
  tool: ToolDefinition,
  listed: JsonObject | undefined,
): MessageInitShape<typeof ToolSchema> {
  const annotations = toAnnotations(listed);
  return {
    name: tool.name,
    description: tool.description,
    inputSchemaJson: JSON.stringify(tool.inputSchema),
    effect: effects[tool.effect],
    server: tool.server,
    serverTool: tool.serverTool,
    integrity: integrities[tool.integrity],
    decisionArguments: [...tool.decisionArguments],
    egress: tool.egress ?? true,
    confidentiality: confidentialities[tool.confidentiality ?? 'internal'],
    clearance: confidentialities[tool.clearance ?? 'internal'],
    summedArguments: [...(tool.summedArguments ?? [])],
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** A tool server as its message. */
export function toServerMessage(
  status: ToolServerStatus,
): MessageInitShape<typeof ToolServerSchema> {
  const { alias, state, toolCount, quarantinedCount, error = '' } = status;
  return { alias, state: serverStates[state], toolCount, quarantinedCount, error };
}

/** A pin as its message. */
export function toPinMessage(pin: PinView): MessageInitShape<typeof ToolPinSchema> {
  const { alias, tool, name, state, digest, approved, changed, diff, warnings, problem } = pin;
  return {
    alias,
    tool,
    name,
    state: pinStates[state],
    digest,
    ...(approved === undefined
      ? {}
      : {
          approvedDigest: approved.digest,
          approvedBy: approved.by,
          approveTime: timestampFromMs(approved.atMs),
        }),
    changed: [...changed],
    diff,
    warnings: [...warnings],
    problem: problem ?? '',
  };
}

/** The pin of a whole server as its message. */
export function toPinSetMessage(set: PinSetView): MessageInitShape<typeof ToolPinSetSchema> {
  const { alias, setDigest, approvedSetDigest, quarantined } = set;
  return { alias, setDigest, approvedSetDigest, quarantinedCount: quarantined };
}

function toAnnotations(
  listed: JsonObject | undefined,
): MessageInitShape<typeof ToolAnnotationsSchema> | undefined {
  const given = listed?.['annotations'];
  const hints = isJsonObject(given) ? given : {};
  const title = listed?.['title'] ?? hints['title'];
  if (title === undefined && Object.keys(hints).length === 0) return undefined;
  return {
    title: typeof title === 'string' ? title : '',
    ...hintOf(hints, 'readOnlyHint'),
    ...hintOf(hints, 'destructiveHint'),
    ...hintOf(hints, 'idempotentHint'),
    ...hintOf(hints, 'openWorldHint'),
  };
}

function hintOf(hints: JsonObject, name: string): Readonly<Record<string, boolean>> {
  const hint = hints[name];
  return typeof hint === 'boolean' ? { [name]: hint } : {};
}
