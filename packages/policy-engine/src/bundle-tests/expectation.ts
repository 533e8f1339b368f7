import { canonicalJson } from '@modelhost/kernel';
import type { Decision, Json } from '@modelhost/kernel';
import {
  aCount,
  aFlag,
  aList,
  aMap,
  aText,
  oneOf,
  refuseOthers,
  take,
  takeSection,
} from './section.ts';
import { texts } from './section.ts';
import type { Section } from './section.ts';

/** What a decision should be; what is undefined may be anything. */
export interface Expectation {
  readonly effect: Decision['effect'];
  /** Exactly these rules; sorted. */
  readonly reasons: readonly string[] | undefined;
  readonly remedies: readonly string[] | undefined;
  /** As many gates, each with at least these members. */
  readonly gates: readonly Json[] | undefined;
  /** At least these members. */
  readonly obligations: Json;
}

const obligationKeys = ['redact', 'reveal', 'limits', 'transforms', 'labels', 'audit', 'notify'];
const labelKeys = ['integrity', 'sources', 'confidentiality', 'compartments'];

/** Reads what a test expects; `effect` has to be said. */
export function readExpectation(expect: Section): Expectation {
  refuseOthers(expect, ['effect', 'reasons', 'remedies', 'gates', 'obligations']);
  const effect = take(expect, 'effect', oneOf('allow', 'hold', 'deny'), undefined);
  if (effect === undefined && expect.value['effect'] === undefined) {
    expect.problems.push({ path: expect.path, message: 'needs an effect: allow, hold or deny' });
  }
  return {
    effect: effect ?? 'deny',
    reasons: take(expect, 'reasons', texts, undefined)?.toSorted(),
    remedies: take(expect, 'remedies', texts, undefined)?.toSorted(),
    gates: readGates(expect),
    obligations: readObligations(expect),
  };
}

function readGates(expect: Section): readonly Json[] | undefined {
  const gates = take(expect, 'gates', aList, undefined);
  return gates?.map((value, index) => {
    const path = [...expect.path, 'gates', index];
    if (!aMap.is(value)) expect.problems.push({ path, message: 'must be a map' });
    const section = { value: aMap.is(value) ? value : {}, path, problems: expect.problems };
    refuseOthers(section, ['approvers', 'quorum', 'isSelfApprovalAllowed']);
    return defined({
      approvers: take(section, 'approvers', texts, undefined)?.toSorted(),
      quorum: take(section, 'quorum', aCount, undefined),
      isSelfApprovalAllowed: take(section, 'isSelfApprovalAllowed', aFlag, undefined),
    });
  });
}

function readObligations(expect: Section): Json {
  const section = takeSection(expect, 'obligations', obligationKeys);
  const redact = takeSection(section, 'redact', ['detectors', 'arguments']);
  const limits = takeSection(section, 'limits', [
    'maxOutputTokens',
    'resultBytesMax',
    'timeoutMsMax',
  ]);
  const labels = takeSection(section, 'labels', labelKeys);
  const names = (above: Section, key: string): readonly string[] | undefined =>
    take(above, key, texts, undefined)?.toSorted();
  return defined({
    redact: defined({
      // Compared as it is written, so a style that there is not is simply never met.
      detectors: take(redact, 'detectors', aMap, undefined) as Json | undefined,
      arguments: names(redact, 'arguments'),
    }),
    // Every value that reading gives is JSON.
    reveal: take(section, 'reveal', aMap, undefined) as Json | undefined,
    limits: defined(
      Object.fromEntries(
        Object.keys(limits.value).map((key) => [key, take(limits, key, aCount, undefined)]),
      ),
    ),
    transforms: names(section, 'transforms'),
    labels: defined({
      integrity: take(labels, 'integrity', aText, undefined),
      sources: names(labels, 'sources'),
      confidentiality: take(labels, 'confidentiality', aText, undefined),
      compartments: names(labels, 'compartments'),
    }),
    audit: take(section, 'audit', aText, undefined),
    notify: names(section, 'notify'),
  });
}

function defined(value: Readonly<Record<string, Json | undefined>>): Json {
  // Without the members that are undefined it is JSON.
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Json;
}

/** How a decision differs from what was expected, a line each; none when it is as expected. */
export function compareDecision(
  { effect, reasons, remedies, gates, obligations }: Expectation,
  decision: Decision,
): readonly string[] {
  const lines: string[] = [];
  const rules = decision.reasons.map(({ rule }) => rule).toSorted();
  if (effect !== decision.effect) {
    const why = decision.reasons.map(({ rule, message }) => `${rule} (${message})`).join(', ');
    lines.push(`effect: expected ${effect}, but it is ${decision.effect}: ${why || 'no reason'}`);
  }
  const held = decision.effect === 'hold' ? decision : { remedies: [], gates: [] };
  if (reasons !== undefined) lines.push(...differences('reasons', reasons, rules));
  if (remedies !== undefined) lines.push(...differences('remedies', remedies, held.remedies));
  if (gates !== undefined) {
    // Gates and obligations are JSON; so are their parts.
    lines.push(...differences('gates', gates, held.gates as unknown as Json));
  }
  lines.push(...differences('obligations', obligations, decision.obligations as unknown as Json));
  return lines;
}

/** Lists have to be the same; a map has to have what is expected, and may have more. */
function differences(
  path: string,
  expected: Json | readonly string[],
  actual: Json | readonly string[] | undefined,
): readonly string[] {
  if (aMap.is(expected) && aMap.is(actual)) {
    return Object.entries(expected).flatMap(([key, member]) =>
      differences(`${path}.${key}`, member, actual[key]),
    );
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return expected.flatMap((item: Json, index) =>
      differences(`${path}[${index}]`, item, actual[index] as Json),
    );
  }
  const is = actual === undefined ? 'there is none' : `it is ${canonicalJson(actual)}`;
  const isSame = actual !== undefined && canonicalJson(expected) === canonicalJson(actual);
  return isSame ? [] : [`${path}: expected ${canonicalJson(expected)}, but ${is}`];
}
