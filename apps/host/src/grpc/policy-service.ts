import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { DecisionEffect, HealthStatus } from '@modelhost/contracts';
import type { PolicyService } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { AuditLog, Clock, Decision, Principal, ToolGateway } from '@modelhost/kernel';
import { checkPolicyTextApart } from '@modelhost/policy-engine';
import { platformRole } from '../policy/activate-bundle.ts';
import type { ActivationReport, PolicyControl, PolicyStatus } from '../policy/policy-control.ts';
import { createTurns } from '../policy/turns.ts';
import { createExplain } from './explain-decision.ts';
import type { RunApart } from './explain-decision.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { FieldReader } from './field-reader.ts';
import { onRecord } from './on-record.ts';
import { readPolicyFiles } from './policy-files.ts';
import { toBundleMessage, toLoggedMessage, toReplayMessage } from './policy-report-message.ts';
import { changerRoles, needRole, readerRoles } from './reader-roles.ts';
import type { Handlers } from './service.ts';

/** What the service works with. */
export interface PolicyServiceOptions {
  readonly control: PolicyControl;
  readonly gateway: Pick<ToolGateway, 'listTools'>;
  readonly audit: AuditLog;
  readonly clock: Pick<Clock, 'now'>;
}

type Service = Handlers<typeof PolicyService>;

const bundleBytesMax = 7 * 1_024 * 1_024;
const checksWaitingMax = 4;
const checkTimeoutMs = 20_000;
const pageSizeUsual = 50;
const pageSizeMax = 200;

/** Policy of the host as the contract shows it. Every call is about the caller's tenant. */
export function createPolicyService(options: PolicyServiceOptions): Service {
  const { control, gateway, audit } = options;
  const apart = createRunApart();
  return {
    getPolicyStatus: async (_request, { principal }) => {
      needRole(principal, readerRoles);
      const entries = await control.log.entriesOf(principal.tenant);
      return toStatusMessage(control.status(principal.tenant), entries);
    },
    explainDecision: createExplain(options, {
      admit: (principal) => needRole(principal, readerRoles),
      apart,
    }),
    checkPolicy: async ({ files }, { principal, signal }) => {
      needRole(principal, readerRoles);
      const reader = createFieldReader();
      const given = readPolicyFiles(reader, files, { min: 1 });
      refuseIfAny(reader);
      const tools = gateway.listTools(principal.tenant);
      const problems = await apart(signal, async (bounds) =>
        checkPolicyTextApart(given, tools, bounds),
      );
      return {
        problems: problems.map(({ severity, ...problem }) => ({
          ...problem,
          isError: severity === 'error',
        })),
      };
    },
    activateBundle: async ({ bundle }, { principal }) => {
      needRole(principal, [...changerRoles, platformRole]);
      readBundle(bundle);
      return toActivation(control, principal, await control.activate(bundle, principal));
    },
    replayDecisions: async ({ bundle, since }, { principal }) => {
      needRole(principal, readerRoles);
      readBundle(bundle);
      const reader = createFieldReader();
      const sinceMs = readTime(reader, 'since', since);
      if (sinceMs === undefined) reader.refuse('since', 'is required');
      refuseIfAny(reader);
      return {
        report: toReplayMessage(await control.rehearse(bundle, sinceMs ?? 0, principal)),
      };
    },
    listDecisions: createListDecisions(control),
    eraseDecisions: async ({ subject }, { principal }) => {
      needRole(principal, changerRoles);
      const reader = createFieldReader();
      reader.text('subject', subject, { min: 1, max: 128 });
      refuseIfAny(reader);
      const erased = await onRecord(audit, {
        kind: 'policy',
        principal,
        about: { action: 'erase-decisions' },
        intent: {},
        work: async () => control.log.erase(principal.tenant, subject),
        outcomeOf: (count) => ({ outcome: 'erased', count }),
      });
      return { erased: BigInt(erased) };
    },
  };
}

/** Rules of callers are read one caller after the other: each takes a thread with a good part of a processor and of memory. */
function createRunApart(): RunApart {
  const turns = createTurns('checks of rules', checksWaitingMax);
  return async (signal, work) =>
    turns.take(async () => work({ signal, timeoutMs: checkTimeoutMs }));
}

function createListDecisions(control: PolicyControl): Service['listDecisions'] {
  return async (request, { principal }) => {
    needRole(principal, readerRoles);
    const { pageSize, pageToken, since, effect, action, resource, rule } = request;
    const reader = createFieldReader();
    if (pageSize < 0 || pageSize > pageSizeMax) {
      reader.refuse('page_size', `must be from 1 to ${pageSizeMax}, or 0 for ${pageSizeUsual}`);
    }
    reader.text('page_token', pageToken, { min: 0, max: 1_024 });
    for (const [field, text] of Object.entries({ action, resource, rule })) {
      reader.text(field, text, { min: 0, max: 128 });
    }
    const sinceMs = readTime(reader, 'since', since);
    refuseIfAny(reader);
    const { decisions, nextPageToken = '' } = await control.log.page({
      tenant: principal.tenant,
      pageSize: pageSize === 0 ? pageSizeUsual : pageSize,
      ...(pageToken === '' ? {} : { pageToken }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      effect: effectOf(effect),
      action: action === '' ? undefined : action,
      resource: resource === '' ? undefined : resource,
      rule: rule === '' ? undefined : rule,
    });
    return { decisions: decisions.map(toLoggedMessage), nextPageToken };
  };
}

function readBundle(bundle: Uint8Array): void {
  const reader = createFieldReader();
  if (bundle.length === 0) reader.refuse('bundle', 'is required: the text of a DSSE envelope');
  if (bundle.length > bundleBytesMax) {
    reader.refuse('bundle', `has at most ${bundleBytesMax} bytes`);
  }
  refuseIfAny(reader);
}

function readTime(
  reader: FieldReader,
  field: string,
  time: Timestamp | undefined,
): number | undefined {
  if (time === undefined) return undefined;
  const ms = timestampMs(time);
  if (Number.isSafeInteger(ms)) return ms;
  reader.refuse(field, 'is no time');
  return undefined;
}

function effectOf(effect: DecisionEffect): Decision['effect'] | undefined {
  switch (effect) {
    case DecisionEffect.ALLOW:
      return 'allow';
    case DecisionEffect.DENY:
      return 'deny';
    case DecisionEffect.HOLD:
      return 'hold';
    case DecisionEffect.UNSPECIFIED:
      break;
  }
  // Unspecified, or an effect that only newer callers know.
  return undefined;
}

const healths: Readonly<Record<PolicyStatus['state'], HealthStatus>> = {
  up: HealthStatus.UP,
  degraded: HealthStatus.DEGRADED,
  down: HealthStatus.DOWN,
};

/** `entries`: decisions about the caller's tenant; how many others have is nobody's business. */
function toStatusMessage(
  status: PolicyStatus,
  entries: number,
): Awaited<ReturnType<Service['getPolicyStatus']>> {
  const { digest, bundles, problems, decisions, state, source } = status;
  const { dropped, unreadable, isFailing } = decisions;
  return {
    policyDigest: digest,
    bundles: bundles.map(toBundleMessage),
    problems: problems.map(({ where, message }) => `${where}: ${message}`),
    decisionLog: {
      entries: BigInt(entries),
      dropped: BigInt(dropped),
      unreadable: BigInt(unreadable),
      failing: isFailing,
    },
    status: healths[state],
    fromDirectory: source === 'directory',
  };
}

function toActivation(
  control: PolicyControl,
  { tenant }: Principal,
  report: ActivationReport,
): Awaited<ReturnType<Service['activateBundle']>> {
  if (report.type === 'refused') {
    const { step, code, message } = report;
    if (code === 'not-admitted') throw new HostError('permission_denied', message);
    throw new HostError('failed_precondition', `refused at the step ${step}: ${message}`, {
      facts: { step, refusal: code },
    });
  }
  const { digest } = report.bundle;
  const bundle = control.status(tenant).bundles.find((known) => known.digest === digest);
  const shown = bundle === undefined ? {} : { bundle: toBundleMessage(bundle) };
  if (report.type === 'unchanged') return { ...shown, unchanged: true };
  const { tests, rehearsal } = report;
  return {
    ...shown,
    testsPassed: tests.tests.length,
    ...(rehearsal === undefined ? {} : { replay: toReplayMessage(rehearsal) }),
  };
}
