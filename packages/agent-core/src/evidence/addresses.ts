/** Something in a text that data can be sent to, or that money is drawn from. */
export interface Address {
  /** `placeholder` stands for a value that may be one of the others; `unclear` is what might be read as an address, and is none that could be looked for. */
  readonly kind: 'account' | 'card' | 'email' | 'placeholder' | 'unclear' | 'url';
  /** As it is compared: without what does not change where it leads, and without the signs that only group. */
  readonly value: string;
}

/** Ends of hosts that people, and their programs, take for a link without anything around them. */
const ends =
  'com|net|org|info|biz|io|ai|app|dev|xyz|online|site|top|link|click|shop|live|cc|ru|cn|de|uk|fr|nl|eu|ch|pl|se|jp|br|ca|au|tk|ml|ga|cf|gq|pw|tv|ly|gl|zip|mov|cloud|page|space|store|tech|website|world|pro|fun|icu|vip|blog';
/** What needs no slash behind it to be followed. */
const schemes =
  'https?|wss?|ftps?|file|mailto|tel|sms|sips?|data|blob|javascript|xmpp|callto|skype|whatsapp|tg|magnet';
const rest = String.raw`[^\s<>"]+`;
// A name has no more labels than this.
const labels = String.raw`(?:[\p{L}\p{N}-]{1,63}\.){1,127}`;
// A dot before a host does not hide it: a program may take away a line end that stood before the dot.
const host = String.raw`(?<![\p{L}\p{N}@.-])\.*${labels}`;
const shapes = {
  url: new RegExp(
    [
      String.raw`[a-z][a-z0-9+.-]{0,31}:[\\/]+${rest}`,
      String.raw`(?<![\p{L}\p{N}])(?:${schemes}):${rest}`,
      String.raw`[\\/]{2}[^\s<>"\\/]${rest}`,
      String.raw`www\.${rest}`,
      String.raw`${host}\p{L}[\p{L}\p{N}-]{1,62}[/?#:\\]${rest}`,
      String.raw`${host}(?:${ends})(?![\p{L}\p{N}-])`,
      String.raw`(?<!\S)\.${labels}\p{L}{2,24}`,
      String.raw`(?<![\p{L}\p{N}.])(?:\d{1,3}\.){3}\d{1,3}(?![\p{L}\p{N}]|\.\d)(?:[/?#:\\]${rest})?`,
      String.raw`\[(?=[0-9a-f:.]*::|(?:[0-9a-f]{0,4}:){6})[0-9a-f:.]{2,45}\](?:[/?#:\\]${rest})?`,
    ].join('|'),
    'giu',
  ),
  email: new RegExp(
    String.raw`[\p{L}\p{N}\p{M}._%+'&=!#$*/?^{|}~\x60-]{1,64}@${labels}[\p{L}\p{N}-]{1,63}`,
    'gu',
  ),
  account:
    /(?<![\p{L}\p{N}])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,3})?(?![\p{L}\p{N}])/giu,
  placeholder: /\[[a-z][a-z0-9_]{0,63}_\d{1,9}:[\da-f]{4}\]/giu,
  card: /(?<![\p{L}\p{N}.])\d(?:[ -]?\d){12,18}(?![\p{L}\p{N}])/gu,
} as const;
/** Past so many in one text nobody looks on; the caller takes that for the worst. */
export const addressesMax = 32;

/** The addresses in a text that is folded but for its case, each once, at most `countMax` and one. */
export function addressesIn(cased: string, countMax: number = addressesMax): readonly Address[] {
  const text = cased.replaceAll('。', '.');
  const found = new Map<string, Address>();
  const add = (kind: Address['kind'], value: string): void => {
    if (found.size <= countMax) found.set(`${kind} ${value}`, { kind, value });
  };
  for (const [url] of text.matchAll(shapes.url)) add('url', urlKey(url));
  if (text.includes('@')) addMailboxes(text, add);
  for (const [account] of text.matchAll(shapes.account)) {
    if (/\d.*\d.*\d.*\d.*\d.*\d/.test(account)) add('account', accountKey(account));
  }
  for (const [card] of text.matchAll(shapes.card)) {
    const digits = card.replaceAll(/[ -]/g, '');
    if (isLuhnValid(digits)) add('card', digits);
  }
  for (const [placeholder] of text.matchAll(shapes.placeholder)) {
    add('placeholder', placeholder.toLowerCase());
  }
  return [...found.values()];
}

function addMailboxes(text: string, add: (kind: 'email' | 'unclear', value: string) => void): void {
  for (const [email] of text.matchAll(shapes.email)) {
    // Signs that a mailbox may begin with, and hardly ever does; they stand around it.
    add('email', email.replace(/^['*\x60{|/?^~!#$]+/u, '').toLowerCase());
  }
  const others = text.replaceAll(shapes.url, ' ').replaceAll(shapes.email, ' ');
  if (/@(?=\S)/.test(others)) add('unclear', '@');
}

/** An account as it is compared. */
export function accountKey(account: string): string {
  return account.replaceAll(/[ -]/g, '').toLowerCase();
}

const parts = new RegExp(
  String.raw`^(?:(?<scheme>[a-z][a-z0-9+.-]*):(?=[\\/])|(?<bare>${schemes}):)?[\\/]*(?<rest>.*)$`,
  'iu',
);

/** Where a link leads, as a program reads it: two links with the same key are the same. */
function urlKey(url: string): string {
  // Signs that end a sentence or a quotation, which a URL may hold but hardly ever ends with.
  const trimmed = url.replace(/[.,;:!?*_)\]}'|\\]+$/u, '');
  const groups = parts.exec(trimmed)?.groups ?? {};
  const scheme = (groups['scheme'] ?? groups['bare'] ?? 'https').toLowerCase();
  const place = groups['rest'] ?? '';
  if (scheme !== 'https' && scheme !== 'http') return `${scheme}:${place}`;
  const link = URL.parse(`https://${place}`);
  if (link === null) return `unreadable ${trimmed}`;
  const { username, password, host: at, pathname, search, hash } = link;
  const user = username === '' && password === '' ? '' : `${username}:${password}@`;
  return `${user}${at}${pathname}${search}${hash}`;
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
