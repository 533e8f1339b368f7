import type { ModelEvent } from '@modelhost/kernel';
import { cutText, withoutMailboxes } from './canaries.ts';
import { allRulesOf } from './in-force.ts';
import type { Governance } from './governance.ts';
import { hidesAccounts } from './rules.ts';
import type { World } from './world.ts';

/** Numbers of accounts: policy alone says where they are hidden. One is named by tools only, one by models only. */
const accounts = {
  tools: ['DE89', '3704', '0044', '0532', '0130', '00'].join(''),
  models: ['GB29', 'NWBK', '6016', '1331', '9268', '19'].join(''),
};

/** What a tool says beside the rest of its answer: now and then an account, where real rules decide. */
export function drawAccount({ governance, outside }: World, id: string): string {
  if (governance.rules === null) return '';
  return outside.take(`${id}/account`, (random) =>
    random.chance(0.4) ? ` ${accounts.tools} ` : '',
  );
}

/** The same of a model, in the texts of a turn, which are those that policy decides about. */
export function drawAccountEvents(
  { governance, outside }: World,
  { step, id }: { readonly step: string; readonly id: string },
): readonly ModelEvent[] {
  if (governance.rules === null || !/^turn-\d+\/model/.test(step)) return [];
  return outside.take(`${id}/account`, (random) =>
    random.chance(0.4)
      ? cutText(
          random,
          random.chance(0.8) ? 'text-delta' : 'reasoning-delta',
          ` ${accounts.models} `,
        )
      : [],
  );
}

/** The same text with every account, and whatever may stand for one, written the same way; and every mailbox. */
export function withoutValues(text: string): string {
  const hidden = Object.values(accounts).reduce(
    (rest, account) => rest.replaceAll(account, '********'),
    text,
  );
  return withoutMailboxes(hidden.replaceAll(/\[IBAN[^\]]*\]/g, '********'));
}

/** Whether a text tells of an account that is hidden, whichever process had a part in it: of the beginning of one, even. */
export function tellsAccount(governance: Governance, text: string): boolean {
  const rules = allRulesOf(governance);
  if (rules === null) return false;
  return (['tools', 'models'] as const).some(
    (origin) =>
      text.includes(accounts[origin].slice(0, 10)) &&
      rules.every((name) => hidesAccounts(name)[origin]),
  );
}
