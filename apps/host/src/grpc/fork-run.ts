import type { AgentService, ForkRunRequest } from '@modelhost/contracts';
import type { AcceptRunPorts } from '../accept-run.ts';
import { forkRun, namesOf } from '../fork-run.ts';
import type { ForkHost, ForkSpec } from '../fork-run.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { PolicyControl } from '../policy/policy-control.ts';
import { readId } from './find-run.ts';
import { changerRoles, needRole } from './reader-roles.ts';
import { readLimits } from './read-budget.ts';
import { readRequestId } from './read-labels.ts';
import type { Handlers } from './service.ts';

/** What the method works with. */
export interface ForkRunOptions extends ForkHost {
  readonly accept: AcceptRunPorts;
  readonly policyControl: Pick<PolicyControl, 'open'>;
}

/** Starts runs from steps of others. */
export function createForkRun(options: ForkRunOptions): Handlers<typeof AgentService>['forkRun'] {
  const { accept, policyControl } = options;
  return async (request, { principal }) => {
    const spec = readFork(request, options);
    if (spec.bundle !== '') {
      needRole(principal, changerRoles);
      // Before anything is on record: a fork under a bundle that is not good would only be denied everything.
      await policyControl.open(request.bundle, principal);
    }
    return forkRun(accept, options, principal, spec);
  };
}

const stepLengthMax = 64;
/** What has more parts is within a step, and never done without the rest of it. */
const stepPattern = /^turn-[1-9][0-9]*\/[a-z0-9-]+$/u;
const bundleBytesMax = 1_024 * 1_024;

function readFork(request: ForkRunRequest, { routes }: Pick<ForkHost, 'routes'>): ForkSpec {
  const { runId, atStep, requestId, model, budget } = request;
  const reader = createFieldReader();
  readId(reader, 'run_id', runId);
  if (atStep.length > stepLengthMax || !stepPattern.test(atStep)) {
    reader.refuse(
      'at_step',
      'must be a step as events show it: turn-N/model, or turn-N/tool-M for all of a call with its decision and approval, such as turn-2/model or turn-1/tool-1',
    );
  }
  readRequestId(reader, 'request_id', requestId);
  const route = routes.find(({ id }) => id === model);
  if (model !== '' && route === undefined) {
    const known = namesOf(routes.map(({ id }) => id));
    reader.refuse('model', `is no model route of this host; there is ${known}`);
  }
  if (request.bundle.length > bundleBytesMax) {
    reader.refuse('bundle', `must have at most ${bundleBytesMax} bytes`);
  }
  const limits = readLimits(reader, 'budget', budget);
  refuseIfAny(reader);
  const bundle = Buffer.from(request.bundle).toString();
  return { runId, atStep, requestId, route, bundle, budget: limits };
}
