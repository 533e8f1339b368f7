import { createHmac } from 'node:crypto';
import { HostError, type RedactionStyle } from '@modelhost/kernel';
import type { Detected, Finding } from '../finding.ts';

/** By the name of a detector or of a single rule: how what it finds is hidden. */
export type Styles = Readonly<Record<string, RedactionStyle>>;

/** Where the values of a session are kept, so that they can be restored. */
export interface Placeholders {
  /** The placeholder of a value, the same for the same value; undefined when no more fit in. */
  issue(kind: string, value: string): string | undefined;
}

/** What replacements are made from. */
export interface RenderOptions {
  readonly styles: Styles;
  /** Secret of the tenant; the style `hash` needs it. */
  readonly hashKey?: string;
  /** Gives the style `placeholder` placeholders that can be restored. */
  readonly vault?: Placeholders;
}

/** What stands in place of a value. */
export type Render = (style: RedactionStyle, kind: string, value: string) => string;

const strictness: Readonly<Record<RedactionStyle, number>> = {
  placeholder: 0,
  token: 1,
  mask: 2,
  hash: 3,
  drop: 4,
};
// Of one width, so that it does not tell the length of what it hides.
const maskText = '********';
const digestLength = 12;

/** Makes the writer of replacements; fails at once when a style asks for a key that is not given. */
export function createRender(options: RenderOptions): Render {
  const { styles, hashKey = '', vault } = options;
  if (hashKey === '' && Object.values(styles).includes('hash')) {
    throw new HostError('config_invalid', 'style hash: no key was given; give one, or use mask');
  }
  return (style, kind, value) => {
    switch (style) {
      case 'placeholder':
        // One that cannot be turned back is a plain token.
        return vault?.issue(kind, value) ?? `[${kind}]`;
      case 'token':
        return `[${kind}]`;
      case 'mask':
        return maskText;
      case 'hash':
        return `[${kind}:${digest(hashKey, kind, value)}]`;
      case 'drop':
        return '';
    }
  };
}

/**
 * The strictest style that was chosen for any of the names that a stretch goes by: of the rule, of its kind, and of whatever else
 * was found in it. What nobody chose a style for is masked.
 */
export function styleOf(styles: Styles, stretch: Detected): RedactionStyle {
  return stretch.others.reduce(
    (style, other) => stricter(style, styleOfName(styles, other)),
    styleOfName(styles, stretch),
  );
}

/** The stricter of two styles. */
export function stricter(one: RedactionStyle, other: RedactionStyle): RedactionStyle {
  return strictness[other] > strictness[one] ? other : one;
}

function styleOfName(
  styles: Styles,
  { detector, kind }: Pick<Finding, 'detector' | 'kind'>,
): RedactionStyle {
  const own = Object.hasOwn(styles, detector) ? styles[detector] : undefined;
  const group = kind === 'SECRET' ? 'secrets' : kind.toLowerCase();
  const shared = Object.hasOwn(styles, group) ? styles[group] : undefined;
  if (own !== undefined && shared !== undefined) return stricter(own, shared);
  return own ?? shared ?? 'mask';
}

function digest(key: string, kind: string, value: string): string {
  const hmac = createHmac('sha256', key).update(`${kind}\n`).update(value);
  return hmac.digest('hex').slice(0, digestLength);
}
