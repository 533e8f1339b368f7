/** Values by tenant and key, of which only so many are kept. */
export interface TenantShares<Value> {
  /** Undefined for what was never kept or is forgotten. What is found was used last. */
  find(tenant: string, key: string): Value | undefined;
  keep(tenant: string, key: string, value: Value): void;
}

/**
 * Past `valuesMax` the tenant that has the most forgets what it used longest ago, so that no tenant makes another one with
 * fewer forget anything.
 */
export function createTenantShares<Value>(valuesMax: number): TenantShares<Value> {
  const tenants = new Map<string, Map<string, Value>>();
  let size = 0;

  function find(tenant: string, key: string): Value | undefined {
    const share = tenants.get(tenant);
    const value = share?.get(key);
    if (share === undefined || value === undefined) return undefined;
    // Whatever was used last stands last.
    share.delete(key);
    share.set(key, value);
    return value;
  }

  function keep(tenant: string, key: string, value: Value): void {
    const share = tenants.get(tenant) ?? new Map<string, Value>();
    tenants.set(tenant, share);
    if (!share.delete(key)) size += 1;
    share.set(key, value);
    if (size > valuesMax) forget(tenant);
  }

  /** Of the tenant that keeps something, unless another one has more. */
  function forget(tenant: string): void {
    let [name, largest] = [tenant, tenants.get(tenant) ?? new Map<string, Value>()];
    for (const [each, share] of tenants) {
      if (share.size > largest.size) [name, largest] = [each, share];
    }
    const [oldest] = largest.keys();
    if (oldest !== undefined && largest.delete(oldest)) size -= 1;
    if (largest.size === 0) tenants.delete(name);
  }

  return { find, keep };
}
