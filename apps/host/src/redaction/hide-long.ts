import { setImmediate as turn } from 'node:timers/promises';
import type { RedactionStyles, StepRedactor } from '@modelhost/kernel';

/** As much as may be looked at in one go. */
const sliceLength = 65_536;

/** What a step makes of a text of any length, with others served between its slices. */
export async function hideLong(
  step: StepRedactor,
  text: string,
  styles: RedactionStyles,
): Promise<string> {
  if (text.length <= sliceLength || !step.hides(styles)) return step.redact(text, styles);
  const stream = step.stream(styles);
  let hidden = '';
  for (let at = 0; at < text.length; at += sliceLength) {
    hidden += stream.push(text.slice(at, at + sliceLength));
    await turn(); // oxlint-disable-line no-await-in-loop
  }
  return hidden + stream.end();
}
