import { fileURLToPath } from 'node:url';

/** Everything is permitted, and signing needs a yes, which may be that of the one who asked. */
export const deskPolicies: string = `
@id("all") @message("all is permitted")
permit (principal, action, resource);

@id("signing") @message("signing needs a yes") @remedy("approval") @self_approval("allowed")
forbid (principal, action == ModelHost::Action::"desk__sign", resource)
unless {
  context has approval && context.approval.callDigest == context.callDigest &&
  context.now < context.approval.expires
};
`;

/** The tools of `effect-server.ts` under the alias `desk`, which note what they do in this file. */
export function deskConfig(effectsPath: string): object {
  const script = fileURLToPath(new URL('effect-server.ts', import.meta.url));
  return {
    alias: 'desk',
    command: process.execPath,
    args: [script, effectsPath],
    effects: { look: 'none', note: 'idempotent', pay: 'irreversible', sign: 'irreversible' },
  };
}
