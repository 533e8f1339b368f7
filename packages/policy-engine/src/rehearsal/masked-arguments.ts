import { isJsonObject } from '@modelhost/kernel';
import { wholeArguments, wholeContext } from '../rule-names.ts';
import type { AskedRule } from './asked-rules.ts';
import { fillMarks, markHidden, markOf } from './mark-hidden.ts';
import type {
  ApprovalFact,
  CallHistory,
  Json,
  JsonObject,
  PolicyRequest,
  ValueOrigin,
} from '@modelhost/kernel';

/** Stands among the masked paths for all arguments together. */
export const allArguments = '*';

/** A request of which some values are not kept. */
export interface MaskedRequest {
  readonly request: PolicyRequest;
  /** The paths that were found in it; sorted. */
  readonly masked: readonly string[];
}

/** Stands for names in a path that are not kept. */
const cut = '…';

/** How values are kept out of a record. */
export interface Masking {
  /** Stands for a value that nobody may see. It is keyed: short values could be guessed otherwise. */
  readonly hash: (text: string) => string;
  /** Hides what may not be seen of the arguments, names included; the very same object where nothing is to be hidden. */
  readonly hide: (values: JsonObject) => Json;
}

/**
 * The request as a record may keep it. Values at the paths (`note`, `a.b`, `items[].price`) become `{ "$hash", "$type" }`; what is hidden in
 * others becomes `{ "$hidden", "$type" }`, and an object of which a name is hidden, a hash. A list on the way is gone through item by
 * item, whether or not the path says so. What else says something of the values goes too: sums become 0, names within them are cut off
 * the paths of the evidence, and digests of the call are hashed once more.
 */
export function maskArguments(
  request: PolicyRequest,
  paths: readonly string[],
  { hash, hide }: Masking,
): MaskedRequest {
  const { resource } = request;
  if (resource.type !== 'tool') return { request, masked: [] };
  const { values, masked } = paths.includes(allArguments)
    ? withoutArguments
    : hideIn(maskAt(resource.arguments, paths, hash), { hash, hide });
  if (masked.length === 0) return { request, masked };
  return {
    request: {
      ...request,
      resource: { ...resource, arguments: values },
      context: hideTraces(request.context, masked, hash),
    },
    masked: masked.toSorted(),
  };
}

/** Arguments, and where they are masked. */
interface MaskedValues {
  readonly values: JsonObject;
  readonly masked: readonly string[];
}

const withoutArguments: MaskedValues = { values: {}, masked: [allArguments] };

function maskAt(given: JsonObject, paths: readonly string[], hash: Masking['hash']): MaskedValues {
  const mask = (value: Json): Json => markOf(value, { $hash: hash(JSON.stringify(value)) });
  const masked: string[] = [];
  let values = given;
  for (const path of paths) {
    const changed = changeIn(values, path, mask);
    if (changed !== values) masked.push(path);
    values = changed;
  }
  return { values, masked };
}

/** Nobody looks into what is masked: its hash might look like a secret. */
function hideIn({ values, masked }: MaskedValues, { hash, hide }: Masking): MaskedValues {
  const before = fillAt(values, masked);
  const after = hide(before);
  if (after === before) return { values, masked };
  const marked = markHidden(values, { before, after, hash });
  if (marked === undefined) return withoutArguments;
  return { values: marked.values, masked: [...new Set([...masked, ...marked.paths])] };
}

/** The request with something of the right type where a value is masked: for rules that do not read those values. */
export function fillMasked(request: PolicyRequest, masked: readonly string[]): PolicyRequest {
  const { resource } = request;
  if (resource.type !== 'tool') return request;
  const values = fillAt(resource.arguments, masked);
  return { ...request, resource: { ...resource, arguments: values } };
}

function fillAt(values: JsonObject, masked: readonly string[]): JsonObject {
  return masked.reduce((filled, path) => changeIn(filled, path, fillMarks), values);
}

/**
 * Whether the rule may read something that is masked in the request. Rather says so once too often. Digests of the call are as
 * equal as they were, so a rule may compare them with each other.
 */
export function mayReadMasked(
  { argumentsNamed, contextNamed }: AskedRule,
  { context }: PolicyRequest,
  masked: readonly string[],
): boolean {
  const parts = new Set(masked.flatMap(partsOf));
  if (argumentsNamed.some((name) => name === wholeArguments || isHidden(name, parts))) return true;
  const isPathHidden = context.evidence?.values.some(({ path }) => path.endsWith(`.${cut}`));
  if (isPathHidden === true && contextNamed.includes('evidence')) return true;
  // A rule may compare all that was called before, sums included.
  const isSumHidden = Object.keys(context.history.sums).some((name) => isHidden(name, parts));
  return isSumHidden && contextNamed.some((name) => name === wholeContext || name === 'history');
}

/** Names without the places in lists. */
function partsOf(path: string): readonly string[] {
  return withoutPlaces(path).split('.');
}

function withoutPlaces(path: string): string {
  return path.replace(/\[[^\]]*\]/g, '');
}

function hideTraces(
  context: PolicyRequest['context'],
  masked: readonly string[],
  hash: Masking['hash'],
): PolicyRequest['context'] {
  const { approval, callDigest, evidence, history } = context;
  const hide = (digest: string): string => (digest === '' ? '' : hash(digest));
  const hidden: ApprovalFact | undefined = approval && {
    ...approval,
    callDigest: hide(approval.callDigest),
  };
  return {
    ...context,
    callDigest: hide(callDigest),
    approval: hidden,
    evidence: evidence && { values: evidence.values.map((value) => hideNames(value, masked)) },
    history: { ...history, sums: hideSums(history.sums, masked) },
  };
}

/** Names within a masked value may be anything that the caller wrote; a place in a list says nothing. */
function hideNames(value: ValueOrigin, masked: readonly string[]): ValueOrigin {
  if (masked.includes(allArguments)) return { ...value, path: cut };
  const plain = withoutPlaces(value.path);
  const place = masked.find((path) => plain.startsWith(`${withoutPlaces(path)}.`));
  return place === undefined ? value : { ...value, path: `${place}.${cut}` };
}

function hideSums(sums: CallHistory['sums'], masked: readonly string[]): CallHistory['sums'] {
  const parts = new Set(masked.flatMap(partsOf));
  return Object.fromEntries(
    Object.entries(sums).map(([name, sum]) => [
      name,
      isHidden(name, parts) ? { run: 0, day: 0 } : sum,
    ]),
  );
}

/** Whether an argument of this name may be, or have within it, something that is masked. */
function isHidden(name: string, parts: ReadonlySet<string>): boolean {
  return parts.has(allArguments) || partsOf(name).some((part) => parts.has(part));
}

type Change = (value: Json) => Json;

/** The very same object when there is nothing at the path. */
function changeIn(value: JsonObject, path: string, change: Change): JsonObject {
  let changed = value;
  // A name may itself have a dot or a bracket: whatever the path may mean is changed.
  for (const [name, member] of Object.entries(value)) {
    const rest = restOf(path, name);
    if (rest === undefined) continue;
    const after = rest === '' ? change(member) : changeWithin(member, rest, change);
    if (after !== member) changed = { ...changed, [name]: after };
  }
  return changed;
}

function changeWithin(value: Json, path: string, change: Change): Json {
  if (isJsonObject(value)) return changeIn(value, path, change);
  if (!Array.isArray(value)) return value;
  const items = value.map((item: Json) => changeWithin(item, path, change));
  return items.some((item, index) => item !== value[index]) ? items : value;
}

/** What is left of the path after the name, and a place in a list if one follows; undefined when it does not begin so. */
function restOf(path: string, name: string): string | undefined {
  if (!path.startsWith(name)) return undefined;
  const match = /^(?:\[[^\]]*\])*(?:\.(?<rest>.+))?$/s.exec(path.slice(name.length));
  return match === null ? undefined : (match.groups?.['rest'] ?? '');
}
