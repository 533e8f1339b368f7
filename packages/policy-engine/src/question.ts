import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyAction, PolicyAsker, PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import { actionType } from './actions.ts';
import type { RecordType } from './argument-types.ts';
import { questionBounds } from './bounds.ts';
import type { CedarQuestion } from './cedar-runtime.ts';
import { datetime, readFacts } from './context-facts.ts';
import { uid } from './entity-uid.ts';
import type { RuleQuery } from './index/rule-index.ts';
import { actionIdsOf } from './schema.ts';
import type { SchemaSubject } from './schema.ts';
import { readTarget } from './target.ts';
import { areTexts, noText } from './texts.ts';

/** A request in Cedar's terms, without an approval. Each of the askers has to be allowed. */
export interface Question {
  readonly subject: SchemaSubject;
  readonly resource: TypeAndId;
  readonly askers: readonly AskerQuestion[];
  /** Names of arguments that are there but that policy cannot see. */
  readonly hiddenArguments: ReadonlySet<string>;
}

/** The question of one principal: the user, or the agent that acts for it. */
export interface AskerQuestion {
  /** Finds the rules that can matter for it. */
  readonly query: RuleQuery;
  readonly cedar: CedarQuestion;
}

/** The question, or why it cannot be asked. The problem never quotes a value. */
export type QuestionReading =
  | { readonly type: 'question'; readonly question: Question }
  | { readonly type: 'refused'; readonly problem: string };

/** Puts a request into Cedar's terms. `typeOf` says what policy sees of a tool's arguments. */
export function readQuestion(
  request: PolicyRequest,
  typeOf: (tool: ToolDefinition) => RecordType,
): QuestionReading {
  const askers = readAskers(request, request.action);
  if (askers.type === 'refused') return askers;
  const target = readTarget(request, typeOf);
  if (target.type === 'refused') return target;
  const { subject, entity, resourceParents } = target;
  const facts = readFacts(request, subject.type === 'tool' ? subject.sums : []);
  if (facts.type === 'refused') return facts;
  const context = { ...facts.facts, ...target.context };
  const actions = actionIdsOf(subject);
  const resource = target.resource;
  return {
    type: 'question',
    question: {
      subject,
      resource,
      hiddenArguments: target.hiddenArguments,
      askers: askers.askers.map(({ principal, parents, entity: asker }) => ({
        query: {
          actions,
          principal,
          principalParents: parents,
          resource,
          resourceParents,
        },
        cedar: {
          principal,
          action: { type: actionType, id: subject.action },
          resource,
          context,
          entities: [asker, entity],
        },
      })),
    },
  };
}

/** What people said, as rules see it once it has been found to be enough. */
export interface Approved {
  readonly callDigest: string;
  readonly approvers: readonly string[];
  readonly expiresAtMs: number;
}

/** The same question with the fact that people approved. */
export function withApproval(question: CedarQuestion, approved: Approved): CedarQuestion {
  const { callDigest, approvers, expiresAtMs } = approved;
  const fact = { callDigest, approvers: [...approvers], expires: datetime(expiresAtMs) };
  return { ...question, context: { ...question.context, approval: fact } };
}

/** Somebody who asks, in Cedar's terms. */
export interface AskerEntity {
  readonly principal: TypeAndId;
  readonly parents: readonly TypeAndId[];
  readonly entity: EntityJson;
}

/** Those who ask, or why they cannot be told to Cedar. */
export type AskersReading =
  | { readonly type: 'askers'; readonly askers: readonly AskerEntity[] }
  | { readonly type: 'refused'; readonly problem: string };

/** The user, and the agent where it acts by itself. What comes in is the user's own doing, whoever it is handed to. */
export function readAskers(
  { principal, agent, isDelegated }: PolicyAsker,
  action: PolicyAction,
): AskersReading {
  if (principal.roles.length > questionBounds.roles) {
    return { type: 'refused', problem: 'the principal has too many roles' };
  }
  if (!areTexts([principal.tenant, principal.subject, agent, ...principal.roles])) {
    return { type: 'refused', problem: noText };
  }
  // Ids carry the tenant, so that no rule about one tenant's people or roles speaks of another's.
  if (principal.tenant.includes('/')) {
    return { type: 'refused', problem: 'the name of the tenant has a slash' };
  }
  const tenant = uid('Tenant', principal.tenant);
  const roles = principal.roles.map((role) => uid('Role', `${principal.tenant}/${role}`));
  const user = askerOf(uid('User', `${principal.tenant}/${principal.subject}`), tenant, roles);
  if (!isDelegated || action === 'AcceptInput') return { type: 'askers', askers: [user] };
  return { type: 'askers', askers: [user, askerOf(uid('Agent', agent), tenant, [])] };
}

function askerOf(
  principal: TypeAndId,
  tenant: TypeAndId,
  roles: readonly TypeAndId[],
): AskerEntity {
  const parents = [tenant, ...roles];
  const attrs: Record<string, CedarValueJson> = { tenant: { __entity: tenant } };
  return { principal, parents, entity: { uid: principal, attrs, parents } };
}
