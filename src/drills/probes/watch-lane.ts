import type { Watched } from '../history/record.ts';
import { configMapCalls, parseJson, readConfigMap } from './config-map.ts';
import { afterReading, type Call } from './connection.ts';
import type { LaneContext } from './perform.ts';
import { send } from './send.ts';

export interface WatchLane {
  /** The newest revision that the watch has told. */
  readonly revision: number;
  stop(): Promise<void>;
}

/** Milliseconds between an attempt that failed and the next one. */
const pause = 200;

/**
 * Keeps a watch on the namespace's ConfigMaps open: from a list's revision on, after a cut from the last revision it told, after 410 from a new
 * list. Each end is recorded with its cause: "410", "cut", "asked" (by us), "ended" (in order, by the server), "status 503".
 * A quiet one watches what nobody writes: only whether it is cut can be seen.
 */
export function startWatchLane(context: LaneContext, { quiet = false }: { readonly quiet?: boolean } = {}): WatchLane {
  const { clock, now, emit, lane, plan } = context;
  const calls = configMapCalls(plan.namespace);
  const stopping = new AbortController();
  let revision = 0;
  const work = async () => {
    for (let from: number | undefined; !stopping.signal.aborted; ) {
      from ??= await listRevision(context);
      if (from !== undefined && !stopping.signal.aborted) {
        revision = Math.max(revision, from);
        let last = from;
        const { why, retryAfter } = await watchOnce(context, { from, call: (quiet ? calls.quietWatch : calls.watch)(from) }, stopping.signal, (told) => (revision = last = told));
        emit({ kind: 'watch ended', lane: lane.name, at: now(), from, why });
        from = why === '410' ? undefined : last;
        if (retryAfter !== undefined) await clock.sleep(retryAfter * 1000, stopping.signal).catch(() => {});
      }
      await clock.sleep(pause, stopping.signal).catch(() => {});
    }
  };
  const done = work();
  return {
    get revision() {
      return revision;
    },
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function listRevision({ plan, connection, clock, patience }: LaneContext): Promise<number | undefined> {
  const { status, text, failure } = await send(connection, configMapCalls(plan.namespace).list(), { patience, clock });
  return status === 200 && !failure ? readConfigMap(parseJson(text)).revision : undefined;
}

interface End {
  readonly why: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

function watchOnce(context: LaneContext, { from, call }: { readonly from: number; readonly call: Call }, signal: AbortSignal, tell: (revision: number) => void): Promise<End> {
  const { connection, patience, now, emit, lane } = context;
  return new Promise((resolve) => {
    let refused: End | undefined;
    let rest = '';
    const end = (end: End) => {
      stopLimit();
      signal.removeEventListener('abort', onAbort);
      resolve(end);
    };
    const giveUp = (why: string) => {
      leave();
      end({ why });
    };
    const onAbort = () => giveUp('asked');
    const stopLimit = afterReading(patience, () => giveUp('time-out'));
    signal.addEventListener('abort', onAbort);
    const leave = connection.begin(call, {
      onHead(status, retryAfter) {
        stopLimit();
        if (status !== 200) refused = { why: status === 410 ? '410' : `status ${status}`, ...(retryAfter !== undefined && { retryAfter }) };
      },
      onText(text) {
        if (refused) return;
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          const event = readEvent(line);
          if (typeof event === 'string') return giveUp(event);
          emit({ kind: 'watched', lane: lane.name, ...event, at: now(), from });
          tell(event.revision);
        }
      },
      onEnd: (failure) => end(refused ?? { why: failure ? 'cut' : 'ended' }),
    });
  });
}

/** The event, or why the watch is over. */
function readEvent(line: string): Pick<Watched, 'type' | 'object' | 'revision' | 'value'> | string {
  const { type, object } = (parseJson(line) ?? {}) as { readonly type?: string; readonly object?: unknown };
  if (type === 'ERROR') {
    const { code } = object as { readonly code?: number };
    return code === 410 ? '410' : `error ${code}`;
  }
  const { name, revision, value } = readConfigMap(object);
  if (revision === undefined || (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK')) return 'not understood';
  return { type, revision, ...(type !== 'BOOKMARK' && name !== undefined && { object: name }), ...(value !== undefined && { value }) };
}
