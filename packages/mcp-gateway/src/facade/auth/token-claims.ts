import type { JWTPayload } from 'jose';

const tenantPattern = /^[a-z][a-z0-9-]{0,63}$/;
const textsMax = 256;

/** The tenant of a token: the configured one, or the claim's where the issuer may name it. */
export function readTenant(
  claims: JWTPayload,
  issuer: {
    readonly tenant: string | undefined;
    readonly tenantClaim: string;
    readonly tenants?: readonly string[] | undefined;
  },
): string | undefined {
  if (issuer.tenant !== undefined) return issuer.tenant;
  const tenant = readClaimText(claims, issuer.tenantClaim);
  if (tenant === undefined || !tenantPattern.test(tenant)) return undefined;
  return issuer.tenants === undefined || issuer.tenants.includes(tenant) ? tenant : undefined;
}

/** A claim that is one text; not empty. */
export function readClaimText(claims: JWTPayload, path: string): string | undefined {
  const value = readClaim(claims, path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A claim that is a list of texts, or one text of words with spaces between. */
export function readClaimTexts(claims: JWTPayload, path: string): readonly string[] {
  const value = readClaim(claims, path);
  const items: readonly unknown[] =
    typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return items
    .filter((item): item is string => typeof item === 'string' && item !== '')
    .slice(0, textsMax);
}

/** The claim of this name, since names may be URLs with dots; else the one at this path (`realm_access.roles`). */
function readClaim(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    // It has this own key, as the line above saw.
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
