/** What is measured: our decision point, and Cedar given all rules at once. */
import { createRequire } from 'node:module';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import type { RuleSet } from '@modelhost/policy-engine';
import { compileRuleSet, createPolicyEngine, singleSource } from '@modelhost/policy-engine';
import { requestOf, textOf, type Company, type Draft } from './company.ts';

/** Decides one request; true when it is allowed. */
export type Decide = (draft: Draft, amount: number) => boolean | Promise<boolean>;

/** The rules of the company, compiled as those of a bundle are. */
export function compileCompany(company: Company): Promise<RuleSet> {
  return compileRuleSet({
    name: 'bench',
    scope: 'platform',
    revision: 1,
    digest: `rules-${company.rules}`,
    files: [{ name: 'authorize.cedar', text: textOf(company) }],
    tools: company.tools,
  });
}

/** Asks a decision point of ours, which remembers nothing of others. */
export function askHost(ruleSet: RuleSet): Decide {
  const engine = createPolicyEngine({ source: singleSource(ruleSet) });
  return async (draft, amount) =>
    (await engine.decide(requestOf(draft, amount))).effect === 'allow';
}

/** Asks Cedar itself with all rules prepared, without a schema: as lean as it can be asked without slices. */
export function askCedar(company: Company): Decide {
  const require = createRequire(import.meta.url);
  // The package declares its types for exactly this path.
  const cedar = require('@cedar-policy/cedar-wasm/nodejs') as typeof CedarModule;
  const name = `all-${company.rules}`;
  const prepared = cedar.preparsePolicySet(name, { staticPolicies: { ...company.texts } });
  if (prepared.type === 'failure') throw new Error('Cedar refused the rules');
  return (draft, amount) => {
    const answer = cedar.statefulIsAuthorized({
      ...cedarQuestion(draft, amount),
      preparsedPolicySetId: name,
    });
    if (answer.type === 'failure') throw new Error('Cedar refused the request');
    return answer.response.decision === 'allow';
  };
}

function cedarQuestion(draft: Draft, amount: number) {
  const { principal, tool, context } = draft;
  const uid = (type: string, id: string) => ({ type: `ModelHost::${type}`, id });
  const tenant = uid('Tenant', principal.tenant);
  const user = uid('User', `${principal.tenant}/${principal.subject}`);
  const resource = uid('Tool', tool.name);
  const roles = principal.roles.map((role) => uid('Role', `${principal.tenant}/${role}`));
  return {
    principal: user,
    action: uid('Action', tool.name),
    resource,
    context: {
      arguments: { amount },
      labels: { untrusted: context.labels.integrity === 'untrusted' },
    },
    entities: [
      { uid: user, attrs: { tenant: { __entity: tenant } }, parents: [tenant, ...roles] },
      { uid: resource, attrs: { egress: true }, parents: [] },
    ],
  };
}
