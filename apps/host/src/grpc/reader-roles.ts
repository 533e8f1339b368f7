import { HostError } from '@modelhost/kernel';
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

/** Whoever has one of these changes what the policy of their tenant is. */
export const changerRoles: readonly string[] = ['admin', 'security'];

/** Throws `permission_denied` for a principal with none of the roles. */
export function needRole({ roles }: Principal, needed: readonly string[]): void {
  if (needed.some((role) => roles.includes(role))) return;
  throw new HostError('permission_denied', `this needs one of the roles ${needed.join(', ')}`);
}
