import type { Decision, PolicyRequest, PolicyResource } from '@modelhost/kernel';

/** A decision as it was made once, with everything that is needed to make it again. */
export interface RecordedDecision {
  /** Says which one it is and nothing else; the same in every report. */
  readonly id: string;
  readonly timeMs: number;
  /** Its time, counters and labels are those of then. */
  readonly request: PolicyRequest;
  readonly decision: Decision;
  /** Paths of the arguments that the request does not hold as they were; `*` when it holds none of the arguments. */
  readonly masked: readonly string[];
}

/** Name of the tool, model or agent that is asked about; empty for what has no name or one that tells of a person. */
export function nameResource(resource: PolicyResource): string {
  switch (resource.type) {
    case 'tool':
    case 'tool-result':
      return resource.tool.name;
    case 'model':
    case 'agent':
      return resource.id;
    case 'output':
    case 'memory':
      return '';
  }
}
