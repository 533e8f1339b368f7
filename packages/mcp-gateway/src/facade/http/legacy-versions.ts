/** Protocols with a handshake, the latest first. */
export const legacyVersions: readonly string[] = [
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
];

/** What a client without the `MCP-Protocol-Version` header speaks. */
export const versionWithoutHeader = '2025-03-26';

const latest = '2025-11-25';
const firstModern = '2026-07-28';

/** The protocol to speak with a client that asks for this one: the same, or the latest that has a handshake. */
export function negotiateVersion(requested: string): string {
  return legacyVersions.includes(requested) ? requested : latest;
}

/** Whether a version names a protocol in which each request says everything by itself. Versions are dates. */
export function isModernVersion(version: string): boolean {
  return version >= firstModern;
}
