import { Worker } from 'node:worker_threads';
import { KubekeepError, type ErrorCode } from '../lib/errors.ts';
import type { FileIndex } from './index-keys.ts';

/** What its pages are called in a repository, and the sum of it all. */
export interface FilePages {
  /** In hexadecimal digits. */
  readonly sha256: string;
  readonly pageSize: number;
  /** 16 bytes for each page. */
  readonly ids: Uint8Array;
}

export interface Input {
  readonly descriptor: number;
  readonly idKey: Uint8Array;
}

/** `size`: how many bytes of the file are there, without the trailer. */
export type Task = { readonly size: number } & ({ readonly do: 'begin' | 'ids' } | { readonly do: 'index'; readonly states: Uint8Array | undefined } | { readonly do: 'hash'; readonly revision: number; readonly compacted: number });

export interface TaskMessage {
  readonly number: number;
  readonly task: Task;
}

export type Result = FilePages | FileIndex | number | undefined;

export interface Answer {
  readonly number: number;
  readonly result?: Result;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined };
}

const thread = new URL(`./_snapshot-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);

/** Hashes a snapshot's file in a thread of its own: its pages while the file is still written, since that takes as long as etcd needs to send it. To be disposed before the file is closed. */
export class SnapshotReader implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #asked = new Map<number, { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void }>();
  #numbers = 0;
  #ended: Error | undefined;

  /** `idKey`: the repository's for pages. */
  constructor(input: Input) {
    this.#worker = new Worker(thread, { workerData: input });
    // Only an answer that is waited for keeps the program alive.
    this.#worker.unref();
    this.#worker.on('message', ({ number, result, error }: Answer) => {
      const one = this.#asked.get(number);
      this.#asked.delete(number);
      if (this.#asked.size === 0) this.#worker.unref();
      if (error) one?.reject(new KubekeepError(error.code, error.message, { hint: error.hint }));
      else one?.resolve(result as never);
    });
    this.#worker.on('error', (error) => this.#end(new KubekeepError('bug', `the thread that reads the snapshot failed: ${error.message}`, { cause: error })));
    this.#worker.on('exit', () => this.#end(new KubekeepError('bug', 'the thread that reads the snapshot ended')));
  }

  /** The file has come that far: what is there can be hashed. Its errors come with `pages`. */
  grown(size: number): void {
    this.#ask({ do: 'begin', size }).catch(() => {});
  }

  /** Of the whole file. Rejects with `data-damaged`. */
  pages(size: number): Promise<FilePages> {
    return this.#ask({ do: 'ids', size });
  }

  /** As `hashKvOf` has it, of the whole file. */
  hashKv(size: number, { revision, compacted, signal }: { readonly revision: number; readonly compacted: number; readonly signal?: AbortSignal | undefined }): Promise<number> {
    return this.#ask({ do: 'hash', size, revision, compacted }, signal);
  }

  /** As `indexKeys` has it, of the whole file. */
  index(size: number, states: Uint8Array | undefined): Promise<FileIndex | undefined> {
    return this.#ask({ do: 'index', size, states });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #ask<T>(task: Task, signal?: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#ended) reject(this.#ended);
    const abort = () => reject(new DOMException('interrupted', 'AbortError'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#asked.set(++this.#numbers, { resolve, reject });
    this.#worker.ref();
    this.#worker.postMessage({ number: this.#numbers, task } satisfies TaskMessage);
    return promise.finally(() => signal?.removeEventListener('abort', abort));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#asked.values()) reject(this.#ended);
    this.#asked.clear();
  }
}
