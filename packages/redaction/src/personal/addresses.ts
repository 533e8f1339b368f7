import type { Candidate } from '../resolve.ts';

const localMax = 64;
const domainForm =
  /(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:xn--[A-Za-z0-9-]{1,59}|[A-Za-z]{2,24})(?![A-Za-z0-9-])/y;
const wideDomainForm =
  /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}-])/uy;
const localCharacter = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u;

/** The password of a URL stands before the host as a name stands before a domain. */
const inCredentials = /:\/\/[^\s/@]{0,128}:[^\s/@]{0,128}$/;

const writtenAt = /@|%40|&#(?:64|x40);/iy;

/** How long the `@` is that stands here, as itself or as a URL or markup writes it; 0 without one. */
export function lengthOfAt(text: string, at: number): number {
  writtenAt.lastIndex = at;
  return writtenAt.exec(text)?.[0].length ?? 0;
}

/** An e-mail address around the `@` at this place, which is so long. */
export function findEmail(text: string, at: number, length: number, found: Candidate[]): void {
  let start = at;
  while (start > 0 && at - start < localMax && localCharacter.test(text.charAt(start - 1))) {
    start -= 1;
  }
  // A quotation mark, a sign of markup or a name before «=» belongs to what is around the address.
  const local = text.slice(start, at);
  start += /^(?:[^=]*=)?[.'`{|}~/*?!&#$%^]*/.exec(local)?.[0].length ?? 0;
  if (
    start >= at ||
    text.charAt(at - 1) === '.' ||
    inCredentials.test(text.slice(Math.max(0, at - 256), at))
  ) {
    return;
  }
  const from = at + length;
  const form = text.charCodeAt(from) < 128 ? domainForm : wideDomainForm;
  form.lastIndex = from;
  const domain = form.exec(text) ?? wide(text, from);
  if (domain !== null) {
    const end = from + domain[0].length;
    found.push({ detector: 'email', kind: 'EMAIL', start, end, rank: 6 });
  }
}

function wide(text: string, at: number): RegExpExecArray | null {
  wideDomainForm.lastIndex = at;
  return wideDomainForm.exec(text);
}

const schemeForm = /[A-Za-z][A-Za-z0-9+.-]{0,30}$/;
const userForm = /([^\s:@/?#"'<>]{0,128}):([^\s@/"'<>]{1,256})@/y;

/** The name and password of a URL whose `://` stands at this place; the address itself stays. */
export function findUrlCredentials(text: string, at: number, found: Candidate[]): void {
  if (!schemeForm.test(text.slice(Math.max(0, at - 31), at))) {
    return;
  }
  userForm.lastIndex = at + 3;
  const match = userForm.exec(text);
  if (match !== null) {
    const end = at + 3 + match[0].length - 1;
    found.push({
      detector: 'url_credentials',
      kind: 'URL_CREDENTIALS',
      start: at + 3,
      end,
      rank: 7,
    });
  }
}
