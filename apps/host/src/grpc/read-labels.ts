import type { FieldReader } from './field-reader.ts';

/** Labels of a caller, within the bounds of the contract. */
export function readMetadata(
  reader: FieldReader,
  field: string,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const entries = reader.list(field, Object.entries(given), { min: 0, max: 32 });
  for (const [key, value] of entries) {
    const place = `${field}[${JSON.stringify(key.slice(0, 64))}]`;
    reader.text(place, key, { min: 1, max: 64 });
    reader.text(place, value, { min: 0, max: 512 });
  }
  return Object.fromEntries(entries);
}

/** Refuses an id of a request that the contract does not allow. */
export function readRequestId(reader: FieldReader, field: string, requestId: string): void {
  if (/^[\x20-\x7e]{0,128}$/.test(requestId)) return;
  reader.refuse(field, 'must be at most 128 printable ASCII characters');
}
