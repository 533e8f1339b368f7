import { Confidentiality } from '@modelhost/contracts';
import type { DataLabels, Obligations } from '@modelhost/contracts';
import { toLine } from './printable.ts';

/** What policy demands, a phrase each; none when it demands nothing. */
export function listObligations(obligations: Obligations | undefined): readonly string[] {
  if (obligations === undefined) return [];
  const { redactDetectors, redactArguments, reveal, transforms, labels, audit, notify } =
    obligations;
  const { maxOutputTokens, resultBytesMax, timeoutMsMax } = obligations;
  return [
    ...Object.entries(redactDetectors).map(([name, style]) => `redact ${name} (${style})`),
    ...redactArguments.map((path) => `keep "${path}" out of logs`),
    ...reveal.map(({ argument, detectors }) => `reveal ${detectors.join(', ')} in "${argument}"`),
    ...(maxOutputTokens === undefined ? [] : [`at most ${maxOutputTokens} tokens of output`]),
    ...(resultBytesMax === undefined ? [] : [`at most ${resultBytesMax} bytes of result`]),
    ...(timeoutMsMax === undefined ? [] : [`at most ${timeoutMsMax} ms`]),
    ...transforms.map((name) => name.replaceAll('_', ' ')),
    ...listLabels(labels).map((label) => `label ${label}`),
    ...(audit === 'full' ? ['record in full'] : []),
    ...notify.map((name) => `tell ${name}`),
  ].map((phrase) => toLine(phrase, 200));
}

/** What is known of data, a phrase each; none for what anybody may read and nobody else wrote. */
export function listLabels(labels: DataLabels | undefined): readonly string[] {
  if (labels === undefined) return [];
  const { untrusted, sources, confidentiality, compartments } = labels;
  const from = sources.length === 0 ? '' : ` from ${sources.join(', ')}`;
  const level = confidentialityNames[confidentiality];
  return [
    ...(untrusted ? [`untrusted${from}`] : []),
    ...(level === undefined || level === 'public' ? [] : [level]),
    ...compartments,
  ].map((phrase) => toLine(phrase, 200));
}

/** The levels by their number; a newer host may know more. */
export const confidentialityNames: Readonly<Record<number, string>> = {
  [Confidentiality.PUBLIC]: 'public',
  [Confidentiality.INTERNAL]: 'internal',
  [Confidentiality.CONFIDENTIAL]: 'confidential',
  [Confidentiality.SECRET]: 'secret',
};
