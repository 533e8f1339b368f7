import type { ModelEvent } from '@modelhost/kernel';
import type { Random } from './random.ts';

/** Values that nobody may see, put together here so that no scanner takes them for ones that leaked. */
const secrets = [
  ['ghp', '_', 'k3Xq9Zt7Lm2Vb8Rw5Yc1', 'Nf6Hd4Js0Pg7Ta2E'],
  ['glpat', '-', 'Qw7zK2mXv9', 'Tn4bRc8Lp3'],
].map((parts) => parts.join(''));
const mailboxes = ['ann.canary@example.org', 'bo.canary@example.net'];

/** What tells that a secret gets out, even half of one: more than the beginning that all of its kind share. */
const secretStarts = secrets.map((secret) => secret.slice(0, 10));
const mailStarts = mailboxes.map((mailbox) => mailbox.slice(0, mailbox.indexOf('@') + 3));

/** Whether a text tells of a secret, or of the beginning of one. */
export function tellsSecret(text: string): boolean {
  return secretStarts.some((start) => text.includes(start));
}

/** Whether a text tells where somebody gets mail. */
export function tellsMailbox(text: string): boolean {
  return mailStarts.some((start) => text.includes(start));
}

/** A text with one of these values among words, or one that has none. */
export function drawText(random: Random, words: string): string {
  if (random.chance(0.6)) return words;
  const canary = random.pick([
    secrets[0] ?? '',
    secrets[1] ?? '',
    mailboxes[0] ?? '',
    mailboxes[1] ?? '',
    // Nobody gave it out.
    '[EMAIL_7:0000]',
  ]);
  return `${words} ${canary} ${random.chance(0.5) ? words : ''}`;
}

/** A text as deltas that are cut anywhere. */
export function cutText(
  random: Random,
  type: 'text-delta' | 'reasoning-delta',
  text: string,
): readonly ModelEvent[] {
  const pieces: ModelEvent[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + (random.chance(0.3) ? random.int(1, 3) : random.int(1, 24));
    pieces.push({ type, text: text.slice(at, end) });
    at = end;
  }
  return pieces;
}

/** The same text with every mailbox, and whatever may stand for one, written the same way. */
export function withoutMailboxes(text: string): string {
  return text.replaceAll(/(?:ann|bo)\.canary@example\.\w+|\[EMAIL[^\]]*\]|\*{8}/g, '<mailbox>');
}
