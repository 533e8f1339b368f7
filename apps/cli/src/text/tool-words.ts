import { ToolEffect, ToolIntegrity } from '@modelhost/contracts';

/** What a tool may change, by its number; a newer host may know more. */
export const toolEffectNames: Readonly<Record<number, string>> = {
  [ToolEffect.NONE]: 'none',
  [ToolEffect.IDEMPOTENT]: 'idempotent',
  [ToolEffect.REVERSIBLE]: 'reversible',
  [ToolEffect.IRREVERSIBLE]: 'irreversible',
};

/** Whether what a tool answers may be believed, by its number; a newer host may know more. */
export const toolIntegrityNames: Readonly<Record<number, string>> = {
  [ToolIntegrity.TRUSTED]: 'trusted',
  [ToolIntegrity.UNTRUSTED]: 'untrusted',
};
