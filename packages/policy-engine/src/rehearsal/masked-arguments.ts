import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject, PolicyRequest } from '@modelhost/kernel';

/** Stands among the masked paths for all arguments together. */
export const allArguments = '*';

/** A request of which some values are kept as hashes only. */
export interface MaskedRequest {
  readonly request: PolicyRequest;
  /** The paths that were found in it; sorted. */
  readonly masked: readonly string[];
}

/**
 * The request with the values at the paths (`note`, `a.b`, `items[].price`) replaced by `{ "$hash", "$type" }`; sums over such an
 * argument go too. A list on the way is gone through item by item, whether or not the path says so. `hash` is keyed: short
 * values could be guessed otherwise.
 */
export function maskArguments(
  request: PolicyRequest,
  paths: readonly string[],
  hash: (text: string) => string,
): MaskedRequest {
  const { resource } = request;
  if (resource.type !== 'tool' || paths.length === 0) return { request, masked: [] };
  const mask = (value: Json): Json => ({
    $hash: hash(JSON.stringify(value)),
    $type: typeNameOf(value),
  });
  const masked: string[] = [];
  let values: Json = resource.arguments;
  for (const path of paths) {
    if (path === allArguments) continue;
    const before: Json = values;
    values = changeAt(values, namesInPath(path), mask);
    if (values !== before) masked.push(path);
  }
  if (paths.includes(allArguments)) return withArguments(request, {}, [allArguments]);
  return isJsonObject(values)
    ? withArguments(request, values, masked)
    : withArguments(request, {}, [allArguments]);
}

/** The request with something of the right type where a hash stands: for rules that do not read those values. */
export function fillMasked(request: PolicyRequest, masked: readonly string[]): PolicyRequest {
  const { resource } = request;
  if (resource.type !== 'tool') return request;
  let values: Json = resource.arguments;
  for (const path of masked) values = changeAt(values, namesInPath(path), fill);
  return isJsonObject(values)
    ? { ...request, resource: { ...resource, arguments: values } }
    : request;
}

/** The members that a path goes through. */
export function namesInPath(path: string): readonly string[] {
  return path.split('.').map((name) => name.replace(/\[[^\]]*\]/g, ''));
}

function withArguments(
  request: PolicyRequest,
  values: JsonObject,
  masked: readonly string[],
): MaskedRequest {
  const { context, resource } = request;
  if (resource.type !== 'tool' || masked.length === 0) return { request, masked: [] };
  const { history } = context;
  const isKept = (name: string): boolean =>
    !masked.some((path) => path === allArguments || namesInPath(path).includes(name));
  const sums = Object.fromEntries(Object.entries(history.sums).filter(([name]) => isKept(name)));
  return {
    request: {
      ...request,
      resource: { ...resource, arguments: values },
      context: { ...context, history: { ...history, sums } },
    },
    masked: masked.toSorted(),
  };
}

/** The very same value when there is nothing at the path. */
function changeAt(value: Json, names: readonly string[], change: (value: Json) => Json): Json {
  const [name, ...rest] = names;
  if (name === undefined) return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => changeAt(item, names, change));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isJsonObject(value) || !Object.hasOwn(value, name)) return value;
  const member = value[name] ?? null;
  const changed = changeAt(member, rest, change);
  return changed === member ? value : { ...value, [name]: changed };
}

const fillings: ReadonlyMap<unknown, Json> = new Map<unknown, Json>([
  ['string', ''],
  ['number', 0],
  ['boolean', false],
  ['array', []],
  ['object', {}],
]);

function fill(value: Json): Json {
  return fillings.get(isJsonObject(value) ? value['$type'] : undefined) ?? null;
}

function typeNameOf(value: Json): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}
