/** Something in a text that data can be sent to, or that money is drawn from. */
export interface Address {
  readonly kind: 'account' | 'card' | 'email' | 'url';
  /** As it is compared: folded, without the spaces that only group. */
  readonly value: string;
}

/** Ends of hosts that people, and their programs, take for a link without anything around them. */
const ends = 'com|net|org|info|biz|io|ai|app|dev|xyz|online|site|top|link|click|shop|live|cc|ru|cn';
const inUrl = String.raw`[^\s'"<>()[\]{}|\\^\x60]+`;
const host = String.raw`(?<![\p{L}\p{N}@.-])(?:[\p{L}\p{N}-]{1,63}\.){1,8}`;
const shapes = {
  url: new RegExp(
    String.raw`(?:[a-z][a-z0-9+.-]{1,15}:\/\/|www\.)${inUrl}|${host}[\p{L}]{2,24}\/${inUrl}|${host}(?:${ends})(?![\p{L}\p{N}-])`,
    'gu',
  ),
  email: /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}\p{N}-]{1,63}/gu,
  account:
    /(?<![\p{L}\p{N}])[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?![\p{L}\p{N}])/gu,
  card: /(?<![\p{L}\p{N}.])\d(?:[ -]?\d){12,18}(?![\p{L}\p{N}])/gu,
} as const;
/** Past so many in one text nobody looks on; the caller takes that for the worst. */
export const addressesMax = 32;

/** The addresses in a folded text, each once, at most {@link addressesMax} and one. */
export function addressesIn(folded: string): readonly Address[] {
  const found = new Map<string, Address>();
  const add = (kind: Address['kind'], value: string): void => {
    if (found.size <= addressesMax) found.set(`${kind} ${value}`, { kind, value });
  };
  for (const [url] of folded.matchAll(shapes.url)) add('url', trimUrl(url));
  for (const [email] of folded.matchAll(shapes.email)) add('email', email);
  for (const [account] of folded.matchAll(shapes.account)) {
    if (/\d.*\d.*\d.*\d.*\d.*\d/.test(account)) add('account', account.replaceAll(' ', ''));
  }
  for (const [card] of folded.matchAll(shapes.card)) {
    const digits = card.replaceAll(/[ -]/g, '');
    if (isLuhnValid(digits)) add('card', digits);
  }
  return [...found.values()];
}

/** Without the signs that end a sentence, which a URL may hold but hardly ever ends with. */
function trimUrl(url: string): string {
  return url.replace(/[.,;:!?*_]+$/u, '');
}

function isLuhnValid(digits: string): boolean {
  const sum = digits
    .split('')
    .reverse()
    .reduce((total, digit, place) => {
      const weighed = Number(digit) * (place % 2 === 0 ? 1 : 2);
      return total + (weighed > 9 ? weighed - 9 : weighed);
    }, 0);
  return sum % 10 === 0;
}
