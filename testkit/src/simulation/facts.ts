import type {
  AuditRecord,
  DataLabels,
  FinishReason,
  JsonObject,
  PolicyAction,
  RunEvent,
  SignalPayload,
  TokenUsage,
  ToolCall,
} from '@modelhost/kernel';
import type { Sent } from './window.ts';

/** Something that happened in the simulated world, as seen from outside of the host. */
export type Fact = { readonly atMs: number } &
  /** Policy was asked; `voters` are those who approved the call, null for a first question. */
  (
    | {
        readonly type: 'asked';
        readonly runId: string;
        readonly action: PolicyAction;
        readonly labels: DataLabels;
        readonly callDigest: string;
        readonly voters: readonly string[] | null;
        readonly life: string;
      }
    | {
        readonly type: 'decided';
        readonly runId: string;
        readonly call: string;
        readonly effect: 'allow' | 'deny' | 'hold';
        /** Whether mailboxes may come back in its arguments. */
        readonly isRevealed: boolean;
        /** How long the call may take; null where policy does not say. */
        readonly timeoutMsMax: number | null;
      }
    | { readonly type: 'audited'; readonly record: AuditRecord }
    | {
        readonly type: 'effect';
        readonly runId: string;
        readonly step: string;
        readonly key: string;
        readonly call: string;
        readonly isReadOnly: boolean;
        readonly isRepeatable: boolean;
        readonly life: string;
        readonly isFenced: boolean;
        /** A mailbox stands in its arguments. */
        readonly tellsMailbox: boolean;
        readonly timeoutMs: number;
      }
    | {
        readonly type: 'resumed';
        readonly isRepeatable: boolean;
        readonly life: string;
        readonly isFenced: boolean;
        readonly runId: string;
        readonly step: string;
        readonly key: string;
        readonly answers: Readonly<Record<string, JsonObject>>;
      }
    /** A model was asked: for so many tokens at most, by what was set aside for it. */
    | {
        readonly type: 'model-asked';
        readonly runId: string;
        readonly step: string;
        readonly attempt: number;
        /** The attempt as the engine counts. */
        readonly begun: number;
        readonly tokensMax: number;
        /** Of the request itself. */
        readonly maxOutputTokens: number;
        readonly sent: Sent | null;
        readonly isFenced: boolean;
      }
    /** The beginning of an attempt is durable. */
    | {
        readonly type: 'begun';
        readonly runId: string;
        readonly step: string;
        readonly attempt: number;
      }
    | {
        readonly type: 'reported';
        readonly runId: string;
        readonly step: string;
        readonly attempt: number;
        readonly usage: TokenUsage;
      }
    /** The host saw the end of an answer, whatever it was: without this, its process was killed meanwhile. */
    | {
        readonly type: 'model-ended';
        readonly runId: string;
        readonly step: string;
        readonly attempt: number;
      }
    | { readonly type: 'created'; readonly runId: string }
    /** This is durable, and the program is handed it: now, and again after each crash. */
    | {
        readonly type: 'handed';
        readonly runId: string;
        readonly kind: 'step' | 'signal' | 'due' | 'stop' | 'finish';
        readonly name: string;
        readonly payload: SignalPayload | null;
        /** Of a model's answer. */
        readonly text: string | null;
        readonly calls: readonly ToolCall[];
        /** A step of which nobody knows what its last body did. */
        readonly isLost: boolean;
      }
    /** A provider's answer, whole. */
    | {
        readonly type: 'said';
        readonly runId: string;
        readonly step: string;
        readonly attempt: number;
        readonly text: string;
        readonly reasoning: string;
        readonly finishReason: FinishReason;
      }
    | {
        readonly type: 'answered';
        readonly runId: string;
        readonly name: string;
        readonly payload: SignalPayload;
        readonly isAccepted: boolean;
      }
    | { readonly type: 'stopped'; readonly runId: string }
    | { readonly type: 'event'; readonly runId: string; readonly event: RunEvent }
  );

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** What happened, in order, and which laws were seen broken on the way. */
export interface Facts {
  readonly all: readonly Fact[];
  readonly violations: readonly string[];
  add(fact: WithoutTime<Fact>): void;
  /** A law was seen broken. */
  violate(law: string, what: string): void;
}

/** Starts with nothing. Past `factsMax` it counts as a violation, since nothing goes on for ever. */
export function createFacts(now: () => number, factsMax = 20_000): Facts {
  const all: Fact[] = [];
  const violations: string[] = [];
  const violate = (law: string, what: string): void => {
    if (violations.length < 100) violations.push(`${law}: ${what}`);
  };
  return {
    all,
    violations,
    add: (fact) => {
      if (all.length >= factsMax) violate('I18', `more than ${factsMax} things happened`);
      else all.push({ atMs: now(), ...fact });
    },
    violate,
  };
}
