import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Clock } from '../../lib/clock.ts';

/** ms without a word after which a connection is given up, and until the next one. */
const times = { silence: 3000, pause: 1000 } as const;
/** Bytes: an answer has five. Who says more on one connection in the minute that it lasts is none of ours. */
const mostBytes = 4096;

export interface AgentAddress {
  readonly host: string;
  readonly port: number;
}

/** Hears a node's agent for ever: one connection, on which it says its load each second, and another one when that ends. Ends when the signal fires; whatever else happens is silence. */
export async function listenToAgent(address: AgentAddress, hear: (answer: string) => void, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  while (!signal.aborted) {
    await listenOnce(address, hear, signal);
    await clock.sleep(times.pause, signal).catch(() => {});
  }
}

function listenOnce(address: AgentAddress, hear: (answer: string) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: times.silence, signal });
    socket.on('error', () => {});
    socket.on('timeout', () => socket.destroy());
    socket.on('data', () => socket.bytesRead > mostBytes && socket.destroy());
    createInterface({ input: socket }).on('line', hear).on('error', () => {});
    socket.on('close', () => resolve());
  });
}
