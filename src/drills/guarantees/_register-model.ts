import type { Request } from '../history/record.ts';
import type { Model } from './_search-order.ts';

/** One object of the API as far as the requests so far tell. */
export interface Register {
  /** Undefined before the first request about it: it may be left over from before the run. */
  readonly exists: boolean | undefined;
  /** Undefined where nobody said it. */
  readonly value: string | undefined;
  /** Undefined after a write that nobody answered, until somebody sees its revision. */
  readonly revision: number | undefined;
  /** The greatest revision that this object is known to have had: every later change has a greater one. */
  readonly floor: number;
}

/**
 * An object that is created, read, updated and deleted, with etcd's revisions as further facts. A refusal is an answer too: 409 says that the condition did
 * not hold, 404 that there was no object. `written` are the values that requests of this history ask for: what was there before the run has none of them.
 */
export function registerModel(written: ReadonlySet<string>): Model<Register, Request> {
  return {
    initial: { exists: undefined, value: undefined, revision: undefined, floor: 0 },
    after: (state, request) => {
      if (request.outcome === 'refused') return refused(state, request);
      switch (request.operation) {
        case 'get': return read(state, request, written);
        case 'create': return state.exists === true ? undefined : changed(state, request);
        case 'update': return changedWhereAsExpected(state, request);
        case 'delete': return removed(state, request);
      }
    },
    text: ({ exists, value, revision, floor }) => `${exists} ${revision} ${floor} ${value}`,
  };
}

/** Whether an order of requests has to explain this one: an unanswered read and a refusal for another reason tell nothing. */
export function tellsSomething({ operation, outcome, status, error }: Request): boolean {
  if (outcome === 'acknowledged') return true;
  if (outcome === 'unknown') return operation !== 'get';
  return error === undefined && (status === 404 || (status === 409 && operation !== 'get'));
}

function refused(state: Register, { status, operation, expected }: Request): Register | undefined {
  if (status === 404) return absent(state);
  if (operation === 'create') return state.exists === false ? undefined : state;
  const held = state.exists === true && expected !== undefined && state.revision === expected;
  return held ? undefined : state;
}

function absent(state: Register): Register | undefined {
  if (state.exists === false) return state;
  return state.exists === undefined ? { ...state, exists: false } : undefined;
}

function read(state: Register, { status, value, revision }: Request, written: ReadonlySet<string>): Register | undefined {
  if (status === 404 || (value === undefined && revision === undefined)) return absent(state);
  if (state.exists === false) return undefined;
  if (state.exists === undefined && value !== undefined && written.has(value)) return undefined;
  if (value !== undefined && state.value !== undefined && value !== state.value) return undefined;
  const sameRevision = revision === undefined || (state.revision === undefined ? revision > state.floor : revision === state.revision);
  if (!sameRevision) return undefined;
  return { exists: true, value: value ?? state.value, revision: revision ?? state.revision, floor: Math.max(state.floor, revision ?? 0) };
}

function changedWhereAsExpected(state: Register, request: Request): Register | undefined {
  const before = asExpected(state, request);
  return before && changed(before, request);
}

/** The state that the condition of an update or a delete asks for. */
function asExpected(state: Register, { expected }: Request): Register | undefined {
  if (state.exists === false) return undefined;
  if (expected === undefined || expected === state.revision) return state;
  if (state.revision !== undefined || expected <= state.floor) return undefined;
  return { ...state, revision: expected, floor: expected };
}

function changed(state: Register, { value, revision }: Request): Register | undefined {
  // An update that changes nothing leaves the revision as it is.
  const nothingNew = state.exists === true && revision !== undefined && revision === state.revision && value === state.value;
  if (revision !== undefined && revision <= state.floor && !nothingNew) return undefined;
  return { exists: true, value, revision, floor: Math.max(state.floor, revision ?? 0) };
}

/** The answer's revision, where it has one, is the deletion's or the object's last. */
function removed(state: Register, request: Request): Register | undefined {
  const before = asExpected(state, request);
  if (!before || (request.revision !== undefined && request.revision < before.floor)) return undefined;
  return { exists: false, value: undefined, revision: undefined, floor: Math.max(before.floor, request.revision ?? 0) };
}
