import { HostError } from '@modelhost/kernel';

/** The error with every text of it hidden, before anything is cut: half of a value is not recognised. It is its cause. */
export function hideError(error: HostError, hide: (text: string) => string): HostError {
  const { code, message, facts, violations, retryAfterMs } = error;
  return new HostError(code, hide(message), {
    cause: error,
    facts: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, hide(value)])),
    violations: violations.map(({ field, description }) => ({
      field: hide(field),
      description: hide(description),
    })),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
