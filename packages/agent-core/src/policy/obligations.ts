import { noObligations } from '@modelhost/kernel';
import type { Decision, Json, Obligations } from '@modelhost/kernel';

/** Whether a decision lets something happen just as it is, so that there is nothing to put on record of it. */
export function isPlainAllow({ effect, obligations }: Decision): boolean {
  return effect === 'allow' && isNothing(obligations);
}

/** What a record says of obligations; nothing where nothing is demanded. Names and numbers only. */
export function obligationFacts(obligations: Obligations): Readonly<Record<string, Json>> {
  if (isNothing(obligations)) return {};
  const { redact, reveal, limits, transforms, labels, audit, notify } = obligations;
  return {
    obligations: {
      detectors: { ...redact.detectors },
      hiddenArguments: redact.arguments,
      ...(Object.keys(reveal).length === 0 ? {} : { reveal }),
      limits: { ...limits },
      transforms,
      labels: { ...labels },
      audit,
      notify,
    },
  };
}

function isNothing(obligations: Obligations): boolean {
  if (obligations === noObligations) return true;
  const { redact, reveal, limits, transforms, labels, audit, notify } = obligations;
  return (
    Object.keys(redact.detectors).length === 0 &&
    redact.arguments.length === 0 &&
    Object.keys(reveal).length === 0 &&
    Object.keys(limits).length === 0 &&
    transforms.length === 0 &&
    labels.integrity === 'trusted' &&
    labels.confidentiality === 'public' &&
    labels.compartments.length === 0 &&
    labels.sources.length === 0 &&
    audit === 'standard' &&
    notify.length === 0
  );
}
