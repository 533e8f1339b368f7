const depthMax = 64;

/**
 * Whether a value survives being written as JSON and read again: nothing but plain objects, arrays, strings, finite
 * numbers, booleans and null, nested at most 64 deep. A member that is undefined counts as absent.
 */
export function isJsonValue(value: unknown, depthLeft: number = depthMax): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'undefined':
      // The result of a step that gives nothing; within an array it would come back as null.
      return depthLeft === depthMax;
    case 'object':
      return value === null || (depthLeft > 0 && isJsonContainer(value, depthLeft - 1));
    case 'bigint':
    case 'symbol':
    case 'function':
      return false;
  }
}

function isJsonContainer(value: object, depthLeft: number): boolean {
  if (Array.isArray(value)) return value.every((item) => isJsonValue(item, depthLeft));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((item) => item === undefined || isJsonValue(item, depthLeft));
}
