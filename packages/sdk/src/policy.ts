import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { PolicyService } from '@modelhost/contracts';
import type {
  ActivateBundleResponse,
  ExplainDecisionRequestSchema,
  ExplainDecisionResponse,
  GetPolicyStatusResponse,
  ListDecisionsRequestSchema,
  ListDecisionsResponse,
  PolicyFileSchema,
  PolicyProblem,
  ReplayReport,
} from '@modelhost/contracts';
import { missingError } from './error.ts';
import { callUnary } from './method.ts';
import type { Caller } from './method.ts';

/** What is asked of policy: a question or the id of a decision, and rules to decide by in the place of those in force. */
export type DecisionQuestion = MessageInitShape<typeof ExplainDecisionRequestSchema>;
/** Which decisions of the log; without anything the newest 50. */
export type DecisionFilter = MessageInitShape<typeof ListDecisionsRequestSchema>;
/** A file of rules. */
export type PolicyFileInit = MessageInitShape<typeof PolicyFileSchema>;

/** What decisions are made again. */
export interface ReplayOptions {
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** The newest so many; the bound of the host when it is left out. */
  readonly decisionsMax?: number;
}

/** Policy of a host, as those see it who are responsible for it. */
export interface PolicyMethods {
  getPolicyStatus(): Promise<GetPolicyStatusResponse>;
  explainDecision(question: DecisionQuestion): Promise<ExplainDecisionResponse>;
  /** Every problem of the files with its place; none when all is well. */
  checkPolicy(files: readonly PolicyFileInit[]): Promise<readonly PolicyProblem[]>;
  /** Takes the text of a DSSE envelope. Never sent twice; the same bundle again changes nothing. */
  activateBundle(bundle: Uint8Array): Promise<ActivateBundleResponse>;
  replayDecisions(bundle: Uint8Array, options: ReplayOptions): Promise<ReplayReport>;
  listDecisions(filter?: DecisionFilter): Promise<ListDecisionsResponse>;
  /** Gives how many decisions about the subject are gone. */
  eraseDecisions(subject: string): Promise<bigint>;
}

/** The methods of policy over one connection. */
export function createPolicyMethods(caller: Caller): PolicyMethods {
  const { method } = PolicyService;
  return {
    getPolicyStatus: async () => callUnary(caller, method.getPolicyStatus, {}),
    explainDecision: async (question) => callUnary(caller, method.explainDecision, question),
    checkPolicy: async (files) =>
      (await callUnary(caller, method.checkPolicy, { files: [...files] })).problems,
    activateBundle: async (bundle) => callUnary(caller, method.activateBundle, { bundle }),
    replayDecisions: async (bundle, { sinceMs, decisionsMax = 0 }) => {
      const since = timestampFromMs(sinceMs);
      const asked = { bundle, since, decisionsMax };
      const { report } = await callUnary(caller, method.replayDecisions, asked);
      if (report === undefined) throw missingError('report');
      return report;
    },
    listDecisions: async (filter = {}) => callUnary(caller, method.listDecisions, filter),
    eraseDecisions: async (subject) =>
      (await callUnary(caller, method.eraseDecisions, { subject })).erased,
  };
}
