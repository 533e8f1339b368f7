import type { Principal } from '@modelhost/kernel';

/** Whoever has one of these looks after the host, and sees all that their tenant has. */
export const readerRoles: readonly string[] = [
  'admin',
  'auditor',
  'operator',
  'platform-admin',
  'security',
];

/** Whether the principal sees what is there, and not only what it may use. */
export function isReader({ roles }: Principal): boolean {
  return roles.some((role) => readerRoles.includes(role));
}
