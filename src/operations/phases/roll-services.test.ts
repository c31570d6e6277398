import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aHost, aService, cluster as example } from '../../../test/support/example-cluster.ts';
import { renderedHost } from '../../../test/support/rendered-host.ts';
import { byHandText, type ByHand } from '../balancing/by-hand.ts';
import type { Step } from '../plan/step.ts';
import { changeServices } from './roll-services.ts';
import type { Work } from './work.ts';

const hosts = [aHost(), ...['w1', 'w2'].map((name) => aHost({ name, roles: ['worker'] }))];
const path = '/var/lib/kubekeep/services/by-hand.json';
const wishes: ByHand = { 'api/cp1': { weight: 30 }, 'shop/w1': { state: 'drain' }, 'shop/w3': { state: 'drain' }, 'old/w1': { state: 'maint' } };

/** The script that a host with this `by-hand.json` gets for a step. */
async function scriptOf(action: Step['action'], kept: string, component: Step['component'] = 'services'): Promise<string> {
  const scripts: string[] = [];
  const run = async (script: string) => {
    scripts.push(script);
    return { host: 'cp1', exitCode: 0, stdout: script.includes(`cat ${path}`) ? kept : '', stderr: '', duration: 0, timedOut: false };
  };
  const cluster = { ...example, hosts, services: action === 'remove' ? [] : [aService()] };
  const design = { name: component, unit: 'kubekeep-services.service', programs: {}, files: [], onChange: 'reload' };
  const work = { cluster, hosts: new Map([['cp1', { run }]]), token: 'abc', user: 'me', clock: { now: () => 0 }, prepared: { designs: new Map([['cp1', [design]]]), opened: {} } } as unknown as Work;
  await changeServices({ id: `cp1/${component}`, host: 'cp1', component, title: component, reasons: [], action, write: [], programs: [], effect: '' }, work);
  return scripts.at(-1)!;
}
const holds = (script: string, byHand: ByHand) => script.includes(`${path} || kubekeep_failed`) && script.includes(Buffer.from(byHandText(byHand)).toString('base64'));

test('all files of the services go with the last of them', async () => {
  const script = await scriptOf('remove', '');
  const files = [...(await renderedHost({ services: [aService()] })).keys()].filter((file) => file.includes('/services/') || file.endsWith('/kubekeep-services.service'));
  assert.ok(files.length > 3);
  // The configuration goes with what was written beside it.
  for (const file of files) assert.ok(script.includes(file), file);
});

describe('what was decided by hand about servers', () => {
  test('ends with them, when HAProxy does not have them any more and before the step is noted as done', async () => {
    const script = await scriptOf('reload', byHandText(wishes));
    assert.ok(holds(script, { 'api/cp1': { weight: 30 }, 'shop/w1': { state: 'drain' } }), script);
    const [reloaded, written, done] = ['systemctl reload', path, 'rm -f /var/lib/kubekeep/pending'].map((word) => script.indexOf(word));
    assert.ok(reloaded! > 0 && reloaded! < written! && written! < done!, script);
  });

  test('ends with the last service, and stays for API servers', async () => {
    assert.ok(holds(await scriptOf('remove', byHandText(wishes)), { 'api/cp1': { weight: 30 } }));
    for (const kept of [byHandText({ 'shop/w1': { state: 'drain' } }), '{}', '{']) assert.match(await scriptOf('remove', kept), new RegExp(`^rm -f ${path} `, 'm'));
  });

  test('stays where all of them do, where nobody has decided anything, and where it cannot be read', async () => {
    for (const kept of [byHandText({ 'shop/w2': { weight: 30 } }), '', '{']) assert.ok(!(await scriptOf('reload', kept)).includes(path), kept);
    assert.ok(!(await scriptOf('remove', byHandText(wishes), 'service-vips')).includes(path));
  });
});
