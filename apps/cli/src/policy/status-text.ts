import { PolicyMode, PolicyValidity } from '@modelhost/contracts';
import type {
  DecisionLogStatus,
  GetPolicyStatusResponse,
  PolicyBundle,
} from '@modelhost/contracts';
import { healthNames } from '../text/health-names.ts';
import { toTable } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toLine, toPrintable } from '../text/printable.ts';
import { count } from '../text/quantities.ts';
import { formatMoment } from './since.ts';

/** What is in force, what is compared with it, and what is wrong. */
export function renderStatus(answer: GetPolicyStatusResponse, paint: Paint): string {
  const { status, policyDigest, bundles, problems, fromDirectory, decisionLog } = answer;
  const rows = bundles.map((bundle) => [
    nameOf(bundle),
    bundle.tenant === '' ? 'platform' : toLine(bundle.tenant, 64),
    slotOf(bundle),
    `${validityNames[bundle.validity] ?? 'unknown'} until ${formatMoment(bundle.expireTime)}`,
    // As much of an id as tells keys apart for people; --json has the whole.
    bundle.signedBy.map((keyId) => toPrintable(keyId).slice(0, 12)).join(' '),
    bundle.activatedBy === '' ? 'the configuration' : toLine(bundle.activatedBy, 64),
  ]);
  return [
    `policy ${healthNames[status] ?? 'unknown'}${fromDirectory ? ', from a directory, not signed' : ''}\n`,
    ...(policyDigest === '' ? [] : [`digest ${policyDigest}\n`]),
    ...problems.map((problem) => `${paint.red('problem')} ${toPrintable(problem)}\n`),
    ...(rows.length === 0
      ? []
      : [`\n${toTable(['BUNDLE', 'FOR', 'AS', 'VALIDITY', 'SIGNED BY', 'ACTIVATED BY'], rows)}`]),
    ...bundles.filter(isShadow).map((bundle) => `\n${describeShadow(bundle)}`),
    ...(decisionLog === undefined ? [] : [`\n${describeLog(decisionLog)}`]),
  ].join('');
}

function describeShadow(bundle: PolicyBundle): string {
  const { shadowDecisions, shadowDifferences, shadowDropped } = bundle;
  const dropped = shadowDropped === 0n ? '' : `, ${shadowDropped} not decided for want of time`;
  return `${nameOf(bundle)} in the shadow: ${shadowDecisions} decided, ${shadowDifferences} otherwise than what is in force${dropped}\n`;
}

function describeLog({ entries, dropped, unreadable, failing }: DecisionLogStatus): string {
  return [
    `decision log: ${count(Number(entries), 'decision')}`,
    ...(dropped === 0n ? [] : [`${dropped} not kept`]),
    ...(unreadable === 0n ? [] : [`${unreadable} unreadable`]),
    ...(failing ? ['cannot be written now'] : []),
  ]
    .join(', ')
    .concat('\n');
}

/** Name and revision of a bundle. */
export function nameOf({ name, revision }: PolicyBundle): string {
  return `${toLine(name, 64)}@${revision}`;
}

function isShadow({ mode }: PolicyBundle): boolean {
  return mode === PolicyMode.SHADOW;
}

function slotOf(bundle: PolicyBundle): string {
  if (isShadow(bundle)) return 'shadow';
  const { canaryTenants } = bundle;
  return canaryTenants.length === 0
    ? 'enforce'
    : `enforce for ${toLine(canaryTenants.join(', '), 60)}`;
}

// A newer host may send values that are not in this table.
const validityNames: Readonly<Record<number, string>> = {
  [PolicyValidity.VALID]: 'valid',
  [PolicyValidity.GRACE]: 'expired, in its grace',
  [PolicyValidity.EXPIRED]: 'expired, denies everything',
};
