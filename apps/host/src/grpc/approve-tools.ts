import type { ToolService } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { AuditLog, Json, Principal } from '@modelhost/kernel';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { onRecord } from './on-record.ts';
import type { Handlers } from './service.ts';
import { toPinMessage } from './tool-message.ts';
import { checkServer } from './visible-servers.ts';

type Approve = Handlers<typeof ToolService>['approveTools'];
type PinApproval = Parameters<McpGateway['pins']['approve']>[0];

/** Whoever approves a definition does it for everybody who uses the server. */
const approverRoles = ['admin', 'operator'];
const toolsMax = 1_000;

/** Approves definitions that were looked at, on record. */
export function createApproveTools({
  gateway,
  audit,
}: {
  readonly gateway: Pick<McpGateway, 'pins'>;
  readonly audit: AuditLog;
}): Approve {
  return async (request, { principal }) => {
    if (!approverRoles.some((role) => principal.roles.includes(role))) {
      throw new HostError(
        'permission_denied',
        `approving tools needs one of the roles ${approverRoles.join(', ')}`,
      );
    }
    const approval = readApproval(request, principal);
    checkServer(gateway, principal, approval.alias);
    const pins = await onRecord(audit, {
      kind: 'tool-pin',
      principal,
      about: { server: approval.alias, action: 'approve' },
      intent: factsOf(approval),
      work: async () => gateway.pins.approve(approval),
      outcomeOf: (approved) => ({ outcome: 'approved', tools: digestsOf(approved) }),
    });
    return { pins: pins.map(toPinMessage) };
  };
}

function readApproval(
  { alias, tools, setDigest }: Parameters<Approve>[0],
  { subject }: Principal,
): PinApproval {
  const reader = createFieldReader();
  reader.text('alias', alias, { min: 1, max: 64 });
  reader.text('set_digest', setDigest, { min: 0, max: 128 });
  const named = reader.list('tools', tools, { min: 0, max: toolsMax });
  for (const [index, { tool, digest }] of named.entries()) {
    reader.text(`tools[${index}].tool`, tool, { min: 1, max: 256 });
    reader.text(`tools[${index}].digest`, digest, { min: 1, max: 128 });
  }
  if ((named.length === 0) === (setDigest === '')) {
    reader.refuse('tools', 'must be given, or else set_digest, and not both');
  }
  refuseIfAny(reader);
  const by = subject;
  if (setDigest !== '') return { alias, by, setDigest };
  return { alias, by, tools: named.map(({ tool, digest }) => ({ tool, digest })) };
}

function factsOf(approval: PinApproval): Readonly<Record<string, Json>> {
  return 'setDigest' in approval
    ? { setDigest: approval.setDigest }
    : { tools: digestsOf(approval.tools) };
}

function digestsOf(
  tools: readonly { readonly tool: string; readonly digest: string }[],
): readonly Json[] {
  return tools.map(({ tool, digest }) => ({ tool, digest }));
}
