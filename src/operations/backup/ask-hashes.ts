import type { StateHashes } from '../../backup/change-log/coverage.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import type { Clock } from '../../lib/clock.ts';
import { hashOf } from './etcd-members.ts';

/** ms between two questions; and that many times as long as the last one took, since a member reads all that it has for an answer. */
const pause = { least: 60_000, times: 100 };

/** Asks all members now and then what they have at a revision, beside whatever else goes on. */
export class HashAsker {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #answers: StateHashes | undefined;
  #asking = false;
  #next = -Infinity;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** `revision`: one that a member has. Returns at once. */
  askWhereDue(clients: ReadonlyMap<string, EtcdClient>, revision: number): void {
    const begin = this.#clock.monotonic();
    if (this.#asking || begin < this.#next) return;
    this.#asking = true;
    void this.#ask(clients, revision)
      // What is asked beside the log must not end it; the next answer will do.
      .catch(() => {})
      .finally(() => {
        const now = this.#clock.monotonic();
        this.#next = now + Math.max(pause.least, (now - begin) * pause.times);
        this.#asking = false;
      });
  }

  /** What was answered since the last call. */
  take(): StateHashes | undefined {
    const answers = this.#answers;
    this.#answers = undefined;
    return answers;
  }

  async #ask(clients: ReadonlyMap<string, EtcdClient>, revision: number): Promise<void> {
    const asked = await Promise.all([...clients].map(async ([member, client]) => ({ member, answer: await hashOf(client, revision, this.#signal) })));
    const members = asked.flatMap(({ member, answer }) => (typeof answer === 'object' ? [{ member, ...answer }] : []));
    if (members.length > 0) this.#answers = { revision, members };
  }
}
