import type { ToolService } from '@modelhost/contracts';
import type { AuditLog } from '@modelhost/kernel';
import { serverOfState } from '@modelhost/mcp-gateway';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { onRecord } from './on-record.ts';
import type { Handlers } from './service.ts';
import { checkServer, hasServer } from './visible-servers.ts';

type Service = Handlers<typeof ToolService>;

const kind = 'tool-authorization';
/** Longer than whatever an authorization server sends back; it all has to fit into an address. */
const parameterLengthMax = 4_096;

/** How callers let the host act for them at tool servers; each for nobody but themselves. */
export function createAuthorizeTools({
  gateway,
  audit,
}: {
  readonly gateway: Pick<McpGateway, 'pins' | 'authorizations'>;
  readonly audit: AuditLog;
}): Pick<Service, 'beginToolAuthorization' | 'finishToolAuthorization'> {
  const { authorizations } = gateway;

  return {
    beginToolAuthorization: async ({ alias }, { principal }) => {
      const reader = createFieldReader();
      reader.text('alias', alias, { min: 1, max: 64 });
      refuseIfAny(reader);
      checkServer(gateway, principal, alias);
      const url = await onRecord(audit, {
        kind,
        principal,
        about: { server: alias, action: 'begin' },
        intent: {},
        work: async () => authorizations.begin(principal, alias),
        outcomeOf: (asked) => ({ outcome: asked === undefined ? 'authorized' : 'user-needed' }),
      });
      return { authorizationUrl: url ?? '' };
    },
    finishToolAuthorization: async ({ state, code, iss }, { principal }) => {
      const reader = createFieldReader();
      reader.text('state', state, { min: 1, max: parameterLengthMax });
      reader.text('code', code, { min: 1, max: parameterLengthMax });
      reader.text('iss', iss, { min: 0, max: parameterLengthMax });
      refuseIfAny(reader);
      const server = serverOfState(state);
      await onRecord(audit, {
        kind,
        principal,
        // Whatever else a caller sends is no text for the record.
        about: { server: hasServer(gateway, principal, server) ? server : '', action: 'finish' },
        intent: {},
        work: async () =>
          authorizations.finish(principal, { state, code, ...(iss === '' ? {} : { iss }) }),
        outcomeOf: () => ({ outcome: 'authorized' }),
      });
      return {};
    },
  };
}
