import { setImmediate } from 'node:timers/promises';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Clock, JsonObject, PolicyEngine, Principal, ToolGateway } from '@modelhost/kernel';
import type { FacadeService } from '@modelhost/mcp-gateway';
import { toEvaluationAnswer } from './answer.ts';
import { readEvaluation } from './evaluation.ts';

/** What the endpoint decides with. */
export interface AuthzenParts {
  readonly policy: Pick<PolicyEngine, 'decide'>;
  readonly tools: Pick<ToolGateway, 'listTools'>;
  readonly clock: Pick<Clock, 'now'>;
}

const evaluationsMax = 100;
/** Of their JSON, all together. */
const evaluationsLengthMax = 1_048_576;
const semantics = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;
type Semantic = (typeof semantics)[number];

/**
 * Lets others ask our decision point (OpenID AuthZEN Authorization API 1.0): `POST /access/v1/evaluation` and `/access/v1/evaluations`,
 * authenticated, and the public metadata. The answers are decisions like all others, so they are in the log of decisions.
 */
export function createAuthzenServices(parts: AuthzenParts): readonly FacadeService[] {
  const resource = '/access/v1';
  const post = { method: 'POST', isAuthenticated: true, resource } as const;
  return [
    {
      ...post,
      path: '/access/v1/evaluation',
      answer: async (body, { principal }) => evaluate(parts, body, principal),
    },
    {
      ...post,
      path: '/access/v1/evaluations',
      answer: async (body, { principal }) => evaluateAll(parts, body, principal),
    },
    {
      path: '/.well-known/authzen-configuration',
      method: 'GET',
      isAuthenticated: false,
      resource,
      answer: async (_body, { baseUrl }) => ({
        policy_decision_point: baseUrl,
        access_evaluation_endpoint: `${baseUrl}/access/v1/evaluation`,
        access_evaluations_endpoint: `${baseUrl}/access/v1/evaluations`,
      }),
    },
  ];
}

async function evaluate(
  { policy, tools, clock }: AuthzenParts,
  body: JsonObject,
  caller: Principal | undefined,
): Promise<JsonObject> {
  // The route is authenticated, so there is a caller.
  if (caller === undefined) throw new HostError('internal', 'an evaluation without a caller');
  const known = tools.listTools(caller.tenant);
  const { request, supported } = readEvaluation(body, {
    caller,
    tools: known,
    nowMs: clock.now(),
  });
  return toEvaluationAnswer(await policy.decide(request), supported);
}

/** Section 7: members beside `evaluations` are defaults for each of them; an entry that cannot be read is a no with its error. */
async function evaluateAll(
  parts: AuthzenParts,
  body: JsonObject,
  caller: Principal | undefined,
): Promise<JsonObject> {
  const { evaluations, options, ...defaults } = body;
  if (evaluations === undefined) return evaluate(parts, defaults, caller);
  if (!Array.isArray(evaluations) || evaluations.length > evaluationsMax) {
    throw invalid('evaluations', `must be a list of at most ${evaluationsMax}`);
  }
  checkLength(evaluations, defaults);
  const semantic = readSemantic(options);
  const answers: JsonObject[] = [];
  const known = new Map<string, JsonObject>();
  for (const entry of evaluations) {
    const text = JSON.stringify(entry);
    const answer = known.get(text) ?? (await evaluateEntry(parts, { defaults, entry }, caller));
    known.set(text, answer);
    answers.push(answer);
    // Others are served between two of them.
    await setImmediate();
    if (semantic === 'deny_on_first_deny' && answer['decision'] === false) break;
    if (semantic === 'permit_on_first_permit' && answer['decision'] === true) break;
  }
  return { evaluations: answers };
}

/** Each is evaluated with the defaults, so they are counted as often. */
function checkLength(evaluations: readonly unknown[], defaults: JsonObject): void {
  const entries = JSON.stringify(evaluations).length;
  const length = entries + evaluations.length * JSON.stringify(defaults).length;
  if (length <= evaluationsLengthMax) return;
  throw invalid(
    'evaluations',
    `have ${length} characters with the defaults of each, at most ${evaluationsLengthMax}; ask in several calls`,
  );
}

async function evaluateEntry(
  parts: AuthzenParts,
  { defaults, entry }: { readonly defaults: JsonObject; readonly entry: unknown },
  caller: Principal | undefined,
): Promise<JsonObject> {
  try {
    if (!isJsonObject(entry)) throw invalid('evaluations', 'must be a list of objects');
    return await evaluate(parts, { ...defaults, ...entry }, caller);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code === 'internal') throw thrown;
    const status = thrown.code === 'permission_denied' ? 403 : 400;
    return { decision: false, context: { error: { status, message: thrown.message } } };
  }
}

function readSemantic(options: unknown): Semantic {
  if (options === undefined) return 'execute_all';
  const named = isJsonObject(options) ? (options['evaluations_semantic'] ?? 'execute_all') : '';
  const semantic = semantics.find((known) => known === named);
  if (semantic !== undefined) return semantic;
  throw invalid('options.evaluations_semantic', `must be one of ${semantics.join(', ')}`);
}

function invalid(field: string, description: string): HostError {
  return new HostError('validation_failed', `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}
