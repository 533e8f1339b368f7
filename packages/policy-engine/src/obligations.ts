import type { Obligations, PolicyAction, RedactionStyle } from '@modelhost/kernel';
import { joinLabels, noObligations } from '@modelhost/kernel';

/** The styles, from what says most to what says nothing. */
export const redactionStyles: readonly RedactionStyle[] = [
  'placeholder',
  'token',
  'mask',
  'hash',
  'drop',
];

/** Every transform that there is. */
export const transforms: readonly Obligations['transforms'][number][] = [
  'strip_invisible',
  'strip_links',
  'strip_markup',
];

/** A kind of obligation that an enforcement point can keep or not. */
export type ObligationFeature =
  | 'redact.detectors'
  | 'redact.arguments'
  | 'reveal'
  | 'limits.maxOutputTokens'
  | 'limits.resultBytesMax'
  | 'limits.timeoutMsMax'
  | 'transforms'
  | 'labels'
  | 'audit'
  | 'notify';

/** For each action, what the place that carries it out can keep. */
export type SupportedObligations = Readonly<Record<PolicyAction, readonly ObligationFeature[]>>;

const told: readonly ObligationFeature[] = ['audit', 'notify'];
const labelled: readonly ObligationFeature[] = ['labels', ...told];

/** What the enforcement points of this host keep. */
export const supportedByHost: SupportedObligations = {
  AcceptInput: ['redact.detectors', ...labelled],
  UseModel: ['redact.detectors', 'limits.maxOutputTokens', ...told],
  ListTool: [],
  CallTool: [
    'redact.detectors',
    'redact.arguments',
    'reveal',
    'limits.resultBytesMax',
    'limits.timeoutMsMax',
    ...labelled,
  ],
  AcceptToolResult: ['redact.detectors', 'transforms', ...labelled],
  EmitOutput: ['redact.detectors', 'transforms', ...told],
  ReadMemory: ['redact.detectors', ...labelled],
  WriteMemory: ['redact.detectors', ...labelled],
  ForgetMemory: labelled,
};

/** Both demands at once, each the stricter way. Associative, commutative, idempotent. */
export function joinObligations(one: Obligations, other: Obligations): Obligations {
  if (one === other || other === noObligations) return one;
  if (one === noObligations) return other;
  return {
    redact: {
      detectors: joinDetectors(one.redact.detectors, other.redact.detectors),
      arguments: joinNames(one.redact.arguments, other.redact.arguments),
    },
    reveal: joinReveal(one.reveal, other.reveal),
    limits: joinLimits(one.limits, other.limits),
    transforms: joinNames(one.transforms, other.transforms),
    labels: joinLabels(one.labels, other.labels),
    audit: one.audit === 'full' ? 'full' : other.audit,
    notify: joinNames(one.notify, other.notify),
  };
}

/** What is demanded beyond what is supported; empty when all of it can be kept. */
export function unsupportedFeatures(
  obligations: Obligations,
  supported: readonly ObligationFeature[],
): readonly ObligationFeature[] {
  if (obligations === noObligations) return [];
  return featuresOf(obligations).filter((feature) => !supported.includes(feature));
}

function featuresOf({
  redact,
  reveal,
  limits,
  transforms: operations,
  labels,
  audit,
  notify,
}: Obligations): readonly ObligationFeature[] {
  const isLabelled =
    labels.integrity === 'untrusted' ||
    labels.confidentiality !== 'public' ||
    labels.compartments.length > 0 ||
    labels.sources.length > 0;
  const demands: readonly (readonly [ObligationFeature, boolean])[] = [
    ['redact.detectors', Object.keys(redact.detectors).length > 0],
    ['redact.arguments', redact.arguments.length > 0],
    ['reveal', Object.keys(reveal).length > 0],
    ['limits.maxOutputTokens', limits.maxOutputTokens !== undefined],
    ['limits.resultBytesMax', limits.resultBytesMax !== undefined],
    ['limits.timeoutMsMax', limits.timeoutMsMax !== undefined],
    ['transforms', operations.length > 0],
    ['labels', isLabelled],
    ['audit', audit === 'full'],
    ['notify', notify.length > 0],
  ];
  return demands.filter(([, isDemanded]) => isDemanded).map(([feature]) => feature);
}

type Detectors = Obligations['redact']['detectors'];

function joinDetectors(one: Detectors, other: Detectors): Detectors {
  const styles = new Map(Object.entries(one));
  for (const [detector, style] of Object.entries(other)) {
    styles.set(detector, stricter(styles.get(detector) ?? style, style));
  }
  // Sorted, so that the same demands in another order are the same bytes.
  return Object.fromEntries([...styles].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** Whoever does not want a value to come back demands a stricter style than `placeholder`, which then wins. */
function joinReveal(
  one: Obligations['reveal'],
  other: Obligations['reveal'],
): Obligations['reveal'] {
  const paths = joinNames(Object.keys(one), Object.keys(other));
  return Object.fromEntries(
    paths.map((path) => [path, joinNames(one[path] ?? [], other[path] ?? [])]),
  );
}

function stricter(one: RedactionStyle, other: RedactionStyle): RedactionStyle {
  return redactionStyles.indexOf(one) > redactionStyles.indexOf(other) ? one : other;
}

type Limits = Obligations['limits'];

function joinLimits(one: Limits, other: Limits): Limits {
  const lowest = (left: number | undefined, right: number | undefined): number | undefined =>
    left === undefined || right === undefined ? (left ?? right) : Math.min(left, right);
  const maxOutputTokens = lowest(one.maxOutputTokens, other.maxOutputTokens);
  const resultBytesMax = lowest(one.resultBytesMax, other.resultBytesMax);
  const timeoutMsMax = lowest(one.timeoutMsMax, other.timeoutMsMax);
  return {
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(resultBytesMax === undefined ? {} : { resultBytesMax }),
    ...(timeoutMsMax === undefined ? {} : { timeoutMsMax }),
  };
}

function joinNames<Name extends string>(
  one: readonly Name[],
  other: readonly Name[],
): readonly Name[] {
  return [...new Set([...one, ...other])].sort();
}
