import type { Decision, Json, Keys, PolicyRequest, Redactor } from '@modelhost/kernel';
import { HostError, parseJsonText } from '@modelhost/kernel';
import { allArguments, maskArguments, nameResource } from '@modelhost/policy-engine';
import type { Masking, RecordedDecision } from '@modelhost/policy-engine';
import { logBounds } from './bounds.ts';
import type { SealedRow, StoredRow } from './log-file.ts';

/** What another set of rules, that is not in force, said of the same request. */
export interface ShadowDecision {
  /** `name@revision` of its bundle. */
  readonly bundle: string;
  readonly decision: Decision;
}

/** A decision that was just made. */
export interface LogEntry {
  readonly timeMs: number;
  readonly request: PolicyRequest;
  readonly decision: Decision;
  readonly shadow?: ShadowDecision;
}

/** An entry on its way to the file. */
export interface WaitingEntry extends LogEntry {
  /** Whether its arguments were left out. */
  readonly isBare?: boolean;
}

/** A decision as the log gives it back. */
export interface LoggedDecision extends RecordedDecision {
  readonly shadow?: ShadowDecision;
}

/** What is sealed. Later versions keep reading this one. */
interface Content extends Omit<LoggedDecision, 'id' | 'timeMs'> {
  readonly v: 1;
}

/** The keyed digest that a subject's entries are found by. */
export function digestSubject(keys: Keys, tenant: string, subject: string): string {
  return keys.commit(subject, contextOf('subject', tenant));
}

/** As `digestSubject`, for many entries of the same subjects. */
export type SubjectDigests = (tenant: string, subject: string) => string;

const knownSubjectsMax = 256;

/** Remembers some of them: nearly every entry is of a subject that had one just before. */
export function createSubjectDigests(keys: Keys): SubjectDigests {
  const known = new Map<string, string>();
  return (tenant, subject) => {
    const name = JSON.stringify([tenant, subject]);
    const digest = known.get(name) ?? digestSubject(keys, tenant, subject);
    // They are cheap to make again, so that those known simply begin anew at their bound.
    if (known.size >= knownSubjectsMax) known.clear();
    known.set(name, digest);
    return digest;
  };
}

/** The entry without its arguments, if they are large; then it holds on to nothing that is. */
export function withoutLargeArguments(entry: LogEntry): WaitingEntry {
  const { request } = entry;
  const { resource } = request;
  if (resource.type !== 'tool') return entry;
  if (lengthLeft(resource.arguments, logBounds.waitingLength) > 0) return entry;
  return {
    ...entry,
    request: { ...request, resource: { ...resource, arguments: {} } },
    isBare: true,
  };
}

const holderLength = 32;

/** What is left of a length after the texts in the value; looks no further when nothing is. */
function lengthLeft(value: Json, length: number): number {
  if (typeof value === 'string') return length - value.length;
  if (typeof value !== 'object' || value === null) return length - 1;
  // What holds values takes memory too; this also bounds how deep is looked.
  let left = length - holderLength;
  for (const [name, member] of Object.entries(value)) {
    if (left <= 0) break;
    left = lengthLeft(member, left - name.length);
  }
  return left;
}

/** What an entry needs on its way to the file. */
export interface SealingParts {
  readonly keys: Keys;
  readonly redactor: Redactor;
  readonly digestOf: SubjectDigests;
}

/**
 * The entry as a row: names that queries ask for in the clear, the rest sealed, and in arguments nothing that is hidden always or by
 * this very decision. Throws for what is too large or no JSON.
 */
export function sealEntry(parts: SealingParts, entry: WaitingEntry): SealedRow {
  const { timeMs, request, decision } = entry;
  const { tenant, subject } = request.principal;
  const { keyId, data } = parts.keys.seal(contentText(parts, entry), contextOf('entry', tenant));
  return {
    timeMs,
    tenant,
    subject: parts.digestOf(tenant, subject),
    action: request.action,
    resource: nameResource(request.resource),
    effect: decision.effect,
    rules: JSON.stringify([...new Set(decision.reasons.map(({ rule }) => rule))]),
    policyDigest: decision.policyDigest,
    keyId,
    sealed: Buffer.from(data, 'base64'),
  };
}

/** What the row says. Throws `storage_unavailable` when it does not open, and `internal` when a later version wrote it. */
export function openRow(
  keys: Keys,
  { id, timeMs, tenant, keyId, sealed }: StoredRow,
): LoggedDecision {
  const data = Buffer.from(sealed).toString('base64');
  const text = keys.unseal({ keyId, data }, contextOf('entry', tenant));
  // It opened, so it is what `contentText` made, if not an older or a later one did.
  const content = parseJsonText(text) as unknown as Content;
  if (content.v !== 1) {
    throw new HostError('internal', 'an entry of the decision log is of a later version');
  }
  const { request, decision, masked, shadow } = content;
  const { context } = request;
  return {
    id: keys.commit(String(id), contextOf('id', '')).slice(0, idLength),
    timeMs,
    // JSON has no place for what is undefined.
    request: {
      ...request,
      context: { ...context, approval: context.approval, evidence: context.evidence },
    },
    decision,
    masked,
    ...(shadow === undefined ? {} : { shadow }),
  };
}

const idLength = 24;

function contentText({ keys, redactor }: SealingParts, entry: WaitingEntry): string {
  const { request, decision, shadow, isBare = false } = entry;
  const { tenant } = request.principal;
  const paths = isBare ? [allArguments] : decision.obligations.redact.arguments;
  const masking: Masking = {
    hash: (text) => keys.commit(text, contextOf('value', tenant)),
    hide: hideFor(redactor, entry),
  };
  const textWith = (hidden: readonly string[]): string => {
    const content: Content = {
      v: 1,
      ...maskArguments(request, hidden, masking),
      decision,
      ...(shadow === undefined ? {} : { shadow }),
    };
    return JSON.stringify(content);
  };
  const isFit = (text: string): boolean => text.length <= logBounds.entryLength;
  const whole = attempt(() => textWith(paths));
  if (whole !== undefined && isFit(whole)) return whole;
  const bare = textWith([allArguments]);
  if (isFit(bare)) return bare;
  throw tooLarge();
}

function tooLarge(): HostError {
  return new HostError('internal', 'a decision is too large to be logged');
}

/** Hides what may not be kept. A placeholder could not be turned back from here, so that none is made. */
function hideFor(redactor: Redactor, { request, decision }: WaitingEntry): Masking['hide'] {
  const { principal, context } = request;
  return (values) => {
    const styles = Object.fromEntries(
      Object.entries(decision.obligations.redact.detectors).map(([detector, style]) => [
        detector,
        style === 'placeholder' ? 'token' : style,
      ]),
    );
    const step = redactor.open({ tenant: principal.tenant, sessionId: context.runId }).step();
    if (!step.hides(styles)) return values;
    // What is too large to be kept is not looked through, which would take as long.
    if (JSON.stringify(values).length > logBounds.entryLength) throw tooLarge();
    const hidden = step.redactJson(values, styles);
    return Object.keys(step.found()).length > 0 ? hidden : values;
  };
}

/** Arguments may be nested deeper than the stack, and what hides may fail; the decision is kept without them. */
function attempt(make: () => string): string | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function contextOf(purpose: 'entry' | 'id' | 'subject' | 'value', tenant: string): string {
  return `decision-log/${purpose}/${tenant}`;
}
