const depthMax = 64;

/**
 * How many bytes a value takes as JSON, or a few more; undefined when it would not survive being written and read again. Nothing but
 * plain objects, arrays, strings, finite numbers, booleans and null does, nested at most 64 deep. A member that is undefined
 * counts as absent.
 */
export function jsonSize(value: unknown): number | undefined {
  // The result of a step that gives nothing; within an array it would come back as null.
  if (value === undefined) return 0;
  const size = sizeOf(value, depthMax);
  return Number.isNaN(size) ? undefined : size;
}

/** NaN for what is not JSON: it makes every sum that it is in NaN. */
function sizeOf(value: unknown, depthLeft: number): number {
  switch (typeof value) {
    case 'string':
      return textSize(value);
    case 'boolean':
      return 5;
    case 'number':
      return Number.isFinite(value) ? String(value).length : Number.NaN;
    case 'object':
      if (value === null) return 4;
      return depthLeft > 0 ? sizeOfContainer(value, depthLeft - 1) : Number.NaN;
    case 'undefined':
    case 'bigint':
    case 'symbol':
    case 'function':
      return Number.NaN;
  }
}

/** Escapes and letters that take several bytes make it up to six times as long as it seems. */
function textSize(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

function sizeOfContainer(value: object, depthLeft: number): number {
  let size = 2;
  if (Array.isArray(value)) {
    for (const item of value) size += 1 + sizeOf(item, depthLeft);
    return size;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return Number.NaN;
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) size += textSize(name) + 2 + sizeOf(item, depthLeft);
  }
  return size;
}
