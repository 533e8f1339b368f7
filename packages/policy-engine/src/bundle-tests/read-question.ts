import { HostError } from '@modelhost/kernel';
import type { JsonObject, PolicyRequest, Principal, ToolDefinition } from '@modelhost/kernel';
import { readGiven } from './given.ts';
import type { TestProblem } from './section.ts';

/** What the host knows better than whoever asks. */
export interface QuestionOptions {
  /** About whom is asked. */
  readonly principal: Principal;
  readonly tools: readonly ToolDefinition[];
  readonly nowMs: number;
  /** Of a field in the caller's own terms, for the errors. */
  readonly fieldOf?: (path: readonly (string | number)[]) => string;
}

/**
 * A whole request of what somebody asks, in the form that a test of a bundle has under `given`. Principal and time are never
 * taken from it. Throws `validation_failed` with every field that is wrong.
 */
export function readQuestion(given: JsonObject, options: QuestionOptions): PolicyRequest {
  const { principal, tools, nowMs, fieldOf = (path) => path.join('.') } = options;
  const problems: TestProblem[] = [];
  const own = ['principal', 'now'].filter((key) => Object.hasOwn(given, key));
  for (const key of own) problems.push({ path: [key], message: 'is known to the host' });
  const request = readGiven(
    { value: given, path: [], problems },
    { tools, tenant: principal.tenant },
  );
  const seen = problems.slice(0, violationsMax);
  if (seen.length > 0) {
    const violations = seen.map(({ path, message }) => ({
      field: fieldOf(path),
      description: message,
    }));
    const text = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
    throw new HostError('validation_failed', text, { violations });
  }
  const { resource } = request;
  return {
    ...request,
    principal,
    resource:
      resource.type === 'memory' && !Object.hasOwn(given, 'memory')
        ? { ...resource, owner: principal.subject }
        : resource,
    context: { ...request.context, nowMs },
  };
}

const violationsMax = 32;
