import type { ToolService } from '@modelhost/contracts';
import { HostError, toErrorData } from '@modelhost/kernel';
import type { Json, Principal } from '@modelhost/kernel';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { Handlers } from './service.ts';
import { toPinMessage } from './tool-message.ts';
import type { PinView } from './tool-message.ts';
import type { ToolServiceOptions } from './tool-service.ts';

type Approve = Handlers<typeof ToolService>['approveTools'];
type PinApproval = Parameters<McpGateway['pins']['approve']>[0];

/** Whoever approves a definition does it for everybody who uses the server. */
const approverRoles = ['admin', 'operator'];
const toolsMax = 1_000;

/** Approves definitions that were looked at. That somebody wants it is on record before, and what came of it after. */
export function createApproveTools({
  gateway,
  audit,
}: Pick<ToolServiceOptions, 'gateway' | 'audit'>): Approve {
  return async (request, { principal }) => {
    if (!approverRoles.some((role) => principal.roles.includes(role))) {
      throw new HostError(
        'permission_denied',
        `approving tools needs one of the roles ${approverRoles.join(', ')}`,
      );
    }
    const approval = readApproval(request, principal);
    const { alias } = approval;
    // What another tenant alone may see is not there.
    if (!gateway.pins.sets(principal.tenant).some((set) => set.alias === alias)) {
      throw new HostError('not_found', `there is no tool server ${alias}`);
    }
    const record = async (facts: Readonly<Record<string, Json>>): Promise<void> => {
      const { tenant, subject: actor } = principal;
      const about = { server: alias, action: 'approve' };
      await audit.append({
        kind: 'tool-pin',
        tenant,
        runId: '',
        step: '',
        actor,
        facts: { ...about, ...facts },
      });
    };
    await record({ phase: 'intent', ...factsOf(approval) });
    const pins = await approveOrRecord(gateway, approval, record);
    await record({ phase: 'outcome', outcome: 'approved', tools: digestsOf(pins) });
    return { pins: pins.map(toPinMessage) };
  };
}

async function approveOrRecord(
  gateway: ToolServiceOptions['gateway'],
  approval: PinApproval,
  record: (facts: Readonly<Record<string, Json>>) => Promise<void>,
): Promise<readonly PinView[]> {
  try {
    return await gateway.pins.approve(approval);
  } catch (thrown) {
    await record({ phase: 'outcome', outcome: 'failed', code: toErrorData(thrown).code });
    throw thrown;
  }
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
