import type { Balancing, ComparedServer, SeenServer } from '../operations/balancing/compare-balancers.ts';
import { textTable } from './text-table.ts';

/** A line for each server of each service, and what is not alike on all load balancers. */
export function describeBalancing({ servers, silent }: Balancing): string {
  const rows = servers.map((one) => [one.service, one.server, stateText(one), weightText(one), String(sum(one.on.map(({ sessions }) => sessions))), [...new Set(one.on.map(({ check }) => check).filter((check) => check !== ''))].join(', ')]);
  return [
    ...(rows.length === 0 ? [] : [textTable([['SERVICE', 'SERVER', 'STATE', 'WEIGHT', 'CONNECTIONS', 'CHECK'], ...rows])]),
    ...servers.flatMap(lostWishes),
    ...silent.map(({ host, reason }) => `${host} was left out: ${reason}`),
    ...(silent.length > 0 ? ['What was changed by hand meanwhile is not known there: run the same command again when it is back.'] : []),
  ].join('\n');
}

/** "up", or what each says where they differ: "up on cp1 and cp2, drained by hand on cp3". */
function stateText({ agree, on }: ComparedServer): string {
  const groups = [...Map.groupBy(on, word)];
  return agree ? groups[0]![0] : groups.map(([text, seen]) => `${text} on ${seen.map(({ host }) => host).join(' and ')}`).join(', ');
}

function word({ condition, byHand }: SeenServer): string {
  const state = { 'up': 'up', 'down': 'down', 'drain': 'drained', 'maint': 'in maintenance', 'unknown': 'unknown', 'missing': 'missing' }[condition];
  if (byHand === undefined) return state;
  const isSo = byHand === condition || (byHand.endsWith('%') && condition === 'up');
  return isSo ? `${state} by hand` : `${state}, by hand: ${byHand}`;
}

/** What was told by hand and is not so any more, with the command that tells it again. */
function lostWishes({ service, server, on }: ComparedServer): string[] {
  const lost = on.filter(({ holds }) => !holds);
  return [...Map.groupBy(lost, ({ byHand = '' }) => byHand)].map(([told, seen]) =>
    `${service}/${server}: ${told} by hand does not hold on ${seen.map(({ host }) => host).join(' and ')}, as after a restart of HAProxy. kubekeep lb ${told.endsWith('%') ? `weight ${service}/${server} ${told}` : `${told} ${service}/${server}`} tells it again.`);
}

/** Each balancer weighs by what it was answered itself, so that they may be some percent apart. */
function weightText({ on }: ComparedServer): string {
  const weights = on.filter(({ condition }) => condition !== 'missing').map(({ weight }) => weight);
  if (weights.length === 0) return '-';
  const [least, most] = [Math.min(...weights), Math.max(...weights)];
  return least === most ? `${least}%` : `${least}–${most}%`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
