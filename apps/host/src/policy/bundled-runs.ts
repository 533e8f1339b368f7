import { sha256Hex, noObligations, toErrorData } from '@modelhost/kernel';
import type { Decision, PolicyAsker, PolicyRequest, Principal } from '@modelhost/kernel';
import type { DecisionPoint } from '@modelhost/policy-engine';

/** What deciding for runs with a bundle of their own takes. */
export interface BundledRunsOptions {
  /** For all others. */
  readonly engine: DecisionPoint;
  /** Verifies and compiles a bundle; throws for one that is not good, or that this principal may not put in force. */
  readonly open: (envelope: Uint8Array, principal: Principal) => Promise<DecisionPoint>;
}

/** Each takes memory as long as it is kept; one that is needed again is compiled again. */
const openMax = 8;

/**
 * A run that has a bundle of its own is decided by it, verified again whenever it is opened: after a restart it may be trusted no more, and
 * then everything is denied. Its decisions are no example for rehearsals, so they are not in the log of decisions.
 */
export function createBundledRuns({ engine, open }: BundledRunsOptions): DecisionPoint {
  /** In the order in which they were needed last. */
  const opened = new Map<string, Promise<DecisionPoint>>();

  async function pointFor({ bundle = '', principal }: PolicyAsker): Promise<DecisionPoint> {
    // Beside it decides what is in force, so another one is another question.
    const key = JSON.stringify([principal.tenant, engine.digest(), sha256Hex(bundle)]);
    const known = opened.get(key);
    const point = known ?? open(Buffer.from(bundle), principal);
    opened.delete(key);
    opened.set(key, point);
    const [oldest] = opened.keys();
    if (opened.size > openMax && oldest !== undefined) opened.delete(oldest);
    // What failed is tried again next time.
    point.catch(() => opened.delete(key));
    return point;
  }

  async function decideBundled(request: PolicyRequest): Promise<Decision> {
    const { bundle: _bundle, ...question } = request;
    try {
      return await (await pointFor(request)).decide(question);
    } catch (thrown) {
      return deny(toErrorData(thrown).message, engine.digest());
    }
  }

  return {
    ...engine,
    decide: async (request) =>
      request.bundle === undefined ? engine.decide(request) : decideBundled(request),
    visible: async (asker, tools) => {
      if (asker.bundle === undefined) return engine.visible(asker, tools);
      const { bundle: _bundle, ...bare } = asker;
      const point = await pointFor(asker).catch(() => undefined);
      return point === undefined ? [] : point.visible(bare, tools);
    },
  };
}

function deny(message: string, policyDigest: string): Decision {
  const reasons = [{ rule: 'policy-unavailable', message: `the bundle of the run: ${message}` }];
  return { effect: 'deny', reasons, obligations: noObligations, policyDigest, bundles: [] };
}
