import type { PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import type { RuleSetPart } from '../annotations.ts';
import type { Explanation } from '../explain/explanation.ts';
import type { IndexedRule } from '../index/rule-index.ts';
import type { PolicyFile } from '../policy-file.ts';
import type { RuleSetSource } from '../rule-set.ts';
import type { PolicyProblem } from './policy-problem.ts';

/** Files and tools were sent before. */
type ApartSource = Omit<RuleSetSource, 'files' | 'tools'>;

/** What the worker is told. A rule set comes and goes in pieces, so that no message keeps the event loop for long. */
export type MessageToWorker =
  | { readonly type: 'file'; readonly file: PolicyFile }
  | { readonly type: 'tools'; readonly tools: readonly ToolDefinition[] }
  /** Everything was sent. */
  | { readonly type: 'check' }
  /** What they say to a request; only of rules that are right. */
  | { readonly type: 'explain'; readonly request: PolicyRequest; readonly source: ApartSource }
  /** The next rules, please. */
  | { readonly type: 'more' };

/** What the worker says. */
export type MessageFromWorker =
  | { readonly type: 'checked'; readonly problems: readonly PolicyProblem[] }
  | {
      readonly type: 'rules';
      readonly part: RuleSetPart;
      readonly heads: readonly IndexedRule[];
      /** The rules of these heads, serialized as `node:v8` does. */
      readonly packed: Uint8Array<ArrayBuffer>;
    }
  | { readonly type: 'explained'; readonly explanation: Explanation }
  /** There are no more rules. */
  | { readonly type: 'end' };

/** Rules in one message: about half a millisecond to receive. */
export const rulesPerMessage = 25;
export const toolsPerMessage = 10;
/** Of what is wrong, the first are told. */
export const problemsMax = 200;
