import { DecisionEffect } from '@modelhost/contracts';

/** Effects by their number; a newer host may know more. */
export const effectNames: Readonly<Record<number, string>> = {
  [DecisionEffect.ALLOW]: 'allow',
  [DecisionEffect.HOLD]: 'hold',
  [DecisionEffect.DENY]: 'deny',
};
