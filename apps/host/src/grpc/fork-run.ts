import type { AgentService, ForkRunRequest } from '@modelhost/contracts';
import type { ModelRoute } from '@modelhost/kernel';
import type { AcceptRunPorts } from '../accept-run.ts';
import { forkRun } from '../fork-run.ts';
import type { ForkSpec } from '../fork-run.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { readId } from './find-run.ts';
import { readLimits } from './read-budget.ts';
import { readRequestId } from './read-labels.ts';
import type { Handlers } from './service.ts';

/** What the method works with. */
export interface ForkRunOptions {
  readonly accept: AcceptRunPorts;
  readonly routes: readonly ModelRoute[];
}

/** Starts runs from steps of others. */
export function createForkRun(options: ForkRunOptions): Handlers<typeof AgentService>['forkRun'] {
  return async (request, { principal }) =>
    forkRun(options.accept, principal, readFork(request, options.routes));
}

function readFork(request: ForkRunRequest, routes: readonly ModelRoute[]): ForkSpec {
  const { runId, atStep, requestId, model, budget } = request;
  const reader = createFieldReader();
  readId(reader, 'run_id', runId);
  if (atStep === '') {
    reader.refuse('at_step', 'is required: a step as events show it, such as turn-2/model');
  }
  reader.text('at_step', atStep, { min: 0, max: 256 });
  readRequestId(reader, 'request_id', requestId);
  const route = routes.find(({ id }) => id === model);
  if (model !== '' && route === undefined) {
    const known = routes.slice(0, 8).map(({ id }) => id);
    reader.refuse('model', `is no model route of this host; there is ${known.join(', ')}`);
  }
  if (request.bundle.length > 0) reader.refuse('bundle', 'must be empty: what is in force decides');
  const limits = readLimits(reader, 'budget', budget);
  refuseIfAny(reader);
  return { runId, atStep, requestId, route, budget: limits };
}
