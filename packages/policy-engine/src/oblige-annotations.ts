import type { Obligations, RedactionStyle } from '@modelhost/kernel';
import { confidentialityLevels, noObligations, plainLabels } from '@modelhost/kernel';
import { detectorTable, isDetectorName } from '@modelhost/redaction';
import { readCount, readNames, readWord } from './annotation-values.ts';
import type { AnnotatedPolicy, Fail } from './annotation-values.ts';
import { nearest } from './nearest.ts';
import { redactionStyles, transforms } from './obligations.ts';

type Kind = 'redact' | 'reveal' | 'limit' | 'transform' | 'label' | 'audit' | 'notify';

/** The parameters of each obligation; those of another are refused beside it. */
const parameters: Readonly<Record<Kind, readonly string[]>> = {
  redact: ['detectors', 'style', 'arguments'],
  reveal: ['arguments', 'detectors'],
  limit: ['max_output_tokens', 'result_bytes_max', 'timeout_ms_max'],
  transform: ['op'],
  label: ['label', 'confidentiality', 'integrity'],
  audit: ['level'],
  notify: ['channel'],
};

const kinds: readonly Kind[] = [
  'redact',
  'reveal',
  'limit',
  'transform',
  'label',
  'audit',
  'notify',
];

/** The annotations that speak of an obligation. */
export const obligationAnnotations: readonly string[] = [
  'oblige',
  ...new Set(kinds.flatMap((kind) => parameters[kind])),
];

const names = { pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/, words: 'letters, digits, . _ / -' };
const paths = {
  pattern: /^[^\p{Cc}\s,"\\]{1,200}$/u,
  words: 'paths in the arguments, such as recipient or lines[0].text',
};
const numberMax = 1_000_000_000;

/** Reads what a rule of the oblige set demands. What is unknown, missing or of another obligation is refused. */
export function readObligation(policy: AnnotatedPolicy, fail: Fail): Obligations {
  const { id, annotations } = policy;
  const kind = readWord(policy, { annotation: 'oblige', words: kinds }, fail);
  if (kind === undefined) {
    throw fail(
      `rule "${id}" has no @oblige in a file of rules that oblige`,
      'add @oblige("…"), or move the rule to a file of rules that authorize',
    );
  }
  const foreign = obligationAnnotations.find(
    (name) => name !== 'oblige' && annotations.has(name) && !parameters[kind].includes(name),
  );
  if (foreign !== undefined) {
    throw fail(
      `rule "${id}" has @${foreign}, which is no part of @oblige("${kind}")`,
      `with it, write ${parameters[kind].map((name) => `@${name}`).join(', ')}`,
    );
  }
  const demand = readDemand(policy, kind, fail);
  if (demand !== undefined) return { ...noObligations, ...demand };
  throw fail(
    `rule "${id}" obliges to nothing, since @oblige("${kind}") has no parameter`,
    `add ${parameters[kind].map((name) => `@${name}`).join(' or ')}`,
  );
}

function readDemand(
  policy: AnnotatedPolicy,
  kind: Kind,
  fail: Fail,
): Partial<Obligations> | undefined {
  switch (kind) {
    case 'redact':
      return readRedaction(policy, fail);
    case 'reveal':
      return readReveal(policy, fail);
    case 'limit':
      return readLimits(policy, fail);
    case 'transform': {
      const operation = readWord(policy, { annotation: 'op', words: transforms }, fail);
      return operation === undefined ? undefined : { transforms: [operation] };
    }
    case 'label':
      return readLabels(policy, fail);
    case 'audit': {
      const level = readWord(policy, { annotation: 'level', words: ['full'] }, fail);
      return level === undefined ? undefined : { audit: level };
    }
    case 'notify': {
      const notify = readNames(policy, { annotation: 'channel', ...names }, fail);
      return notify === undefined ? undefined : { notify };
    }
  }
}

function readRedaction(policy: AnnotatedPolicy, fail: Fail): Partial<Obligations> | undefined {
  const detectors = readDetectors(policy, isDetectorName, fail);
  const hidden = readNames(policy, { annotation: 'arguments', ...paths }, fail);
  const style = readWord(policy, { annotation: 'style', words: redactionStyles }, fail);
  if (detectors === undefined && style !== undefined) {
    throw fail(
      `rule "${policy.id}" has @style without @detectors`,
      'add @detectors, or leave @style out: arguments are always kept as hashes',
    );
  }
  if (detectors === undefined && hidden === undefined) return undefined;
  const styled: readonly (readonly [string, RedactionStyle])[] = (detectors ?? []).map((name) => [
    name,
    style ?? 'mask',
  ]);
  return { redact: { detectors: Object.fromEntries(styled), arguments: hidden ?? [] } };
}

function readReveal(policy: AnnotatedPolicy, fail: Fail): Partial<Obligations> | undefined {
  // A placeholder says what kind of value it stands for, not which single rule found it.
  const detectors = readDetectors(policy, (name) => shownDetectors.includes(name), fail);
  const revealed = readNames(policy, { annotation: 'arguments', ...paths }, fail);
  if (detectors === undefined && revealed === undefined) return undefined;
  if (detectors === undefined || revealed === undefined) {
    throw fail(
      `rule "${policy.id}" reveals without saying ${detectors === undefined ? 'what' : 'where'}`,
      'write both @arguments and @detectors',
    );
  }
  return { reveal: Object.fromEntries(revealed.map((path) => [path, detectors])) };
}

const shownDetectors: readonly string[] = detectorTable.map(({ name }) => name);

/** Names of detectors; one that does not exist is refused, since it would hide nothing. */
function readDetectors(
  policy: AnnotatedPolicy,
  isKnown: (name: string) => boolean,
  fail: Fail,
): readonly string[] | undefined {
  const detectors = readNames(policy, { annotation: 'detectors', ...names }, fail);
  const unknown = detectors?.find((name) => !isKnown(name));
  if (unknown === undefined) return detectors;
  const near = nearest(unknown, shownDetectors);
  throw fail(
    `rule "${policy.id}" has the unknown detector "${unknown}" in @detectors`,
    near === undefined ? `write one of ${shownDetectors.join(', ')}` : `did you mean "${near}"?`,
  );
}

function readLimits(policy: AnnotatedPolicy, fail: Fail): Partial<Obligations> | undefined {
  const read = (annotation: string): number | undefined =>
    readCount(policy, { annotation, max: numberMax }, fail);
  const maxOutputTokens = read('max_output_tokens');
  const resultBytesMax = read('result_bytes_max');
  const timeoutMsMax = read('timeout_ms_max');
  const limits = {
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(resultBytesMax === undefined ? {} : { resultBytesMax }),
    ...(timeoutMsMax === undefined ? {} : { timeoutMsMax }),
  };
  return Object.keys(limits).length === 0 ? undefined : { limits };
}

function readLabels(policy: AnnotatedPolicy, fail: Fail): Partial<Obligations> | undefined {
  const levels = { annotation: 'confidentiality', words: confidentialityLevels };
  const compartments = readNames(policy, { annotation: 'label', ...names }, fail);
  const confidentiality = readWord(policy, levels, fail);
  const integrity = readWord(policy, { annotation: 'integrity', words: ['untrusted'] }, fail);
  if (compartments === undefined && confidentiality === undefined && integrity === undefined) {
    return undefined;
  }
  return {
    labels: {
      integrity: integrity ?? plainLabels.integrity,
      sources: [],
      confidentiality: confidentiality ?? plainLabels.confidentiality,
      compartments: compartments ?? [],
    },
  };
}
