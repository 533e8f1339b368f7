export { cleanText, hasHidden, showHidden } from './clean-text.ts';
export { readElicitation } from './elicitation.ts';
export type { Elicitation } from './elicitation.ts';
export { showShortText, showText } from './show-text.ts';
