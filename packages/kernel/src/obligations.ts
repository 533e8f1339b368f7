import { plainLabels } from './labels.ts';
import type { DataLabels } from './labels.ts';

/** People who have to say yes before a call may run. */
export interface ApprovalGate {
  /** Roles of which a person needs one to count; empty for anybody of the tenant. */
  readonly approvers: readonly string[];
  /** How many of them, each a different person. */
  readonly quorum: number;
  /** Whether the one who asks counts too. */
  readonly isSelfApprovalAllowed: boolean;
}

/**
 * Where a value of a call was found before the call: in what the user asked, in trusted text, by reference (the id of the one
 * thing that the user named, a link in the place that he named, his own form filled with trusted text), in untrusted text
 * alone, or nowhere, so that the model made it up.
 */
export interface ValueOrigin {
  /** Path in the arguments, such as `recipients[0]`; empty for the call as a whole. */
  readonly path: string;
  readonly origin: 'prompt' | 'trusted' | 'reference' | 'untrusted' | 'model';
  /** Where it stands, such as `prompt` or `turn-1/tool-2`; the first 8. */
  readonly sources: readonly string[];
}

/**
 * How what is found is hidden, from what says most to what says nothing. A `placeholder` stands for one value of its session,
 * and can be turned back into it where policy reveals that.
 */
export type RedactionStyle = 'placeholder' | 'token' | 'mask' | 'hash' | 'drop';

/** Why a decision came out as it did. */
export interface DecisionReason {
  /** The `@id` of the rule, or a code such as `default-deny`, `policy-error`. */
  readonly rule: string;
  /** The rule's `@message`, or ours; never an argument value. */
  readonly message: string;
}

/** What policy demands beside its answer. */
export interface Obligations {
  readonly redact: {
    /** By the name of the detector. */
    readonly detectors: Readonly<Record<string, RedactionStyle>>;
    /** Paths of arguments that logs keep as keyed hashes only; sorted. */
    readonly arguments: readonly string[];
  };
  /** By the path of an argument: detectors whose placeholders become values again there, right before the call; sorted. */
  readonly reveal: Readonly<Record<string, readonly string[]>>;
  readonly limits: {
    readonly maxOutputTokens?: number;
    readonly resultBytesMax?: number;
    readonly timeoutMsMax?: number;
  };
  /** Sorted; each leaves alone what it has done already. */
  readonly transforms: readonly ('strip_invisible' | 'strip_links' | 'strip_markup')[];
  /** Joined with those that are there. */
  readonly labels: DataLabels;
  readonly audit: 'standard' | 'full';
  /** Names of those to be told; sorted. */
  readonly notify: readonly string[];
}

/** Nothing is demanded. */
export const noObligations: Obligations = {
  redact: { detectors: {}, arguments: [] },
  reveal: {},
  limits: {},
  transforms: [],
  labels: plainLabels,
  audit: 'standard',
  notify: [],
};
