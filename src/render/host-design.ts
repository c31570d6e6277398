import type { ComponentDesign, Renderer, RenderInput } from './design.ts';
import { renderContainerd } from './containerd.ts';
import { renderEtcd } from './etcd.ts';
import { renderHaproxy } from './haproxy.ts';
import { renderKeepalived } from './keepalived.ts';
import { renderKeeper } from './keeper.ts';
import { renderApiServer } from './kube-apiserver.ts';
import { renderControllerManager } from './kube-controller-manager.ts';
import { renderKubeProxy } from './kube-proxy.ts';
import { renderScheduler } from './kube-scheduler.ts';
import { renderKubelet } from './kubelet.ts';
import { renderLoadAgent } from './load-agent.ts';
import { renderPodNetwork } from './pod-network.ts';
import { renderServiceVips } from './service-vips.ts';
import { renderServices } from './services.ts';
import { renderSteer } from './steer.ts';
import { renderSystem } from './system.ts';

/** kubekeep's own set-up, in the order in which components are brought up. */
export const renderers: readonly Renderer[] = [
  renderSystem, renderEtcd, renderApiServer, renderControllerManager, renderScheduler, renderHaproxy, renderKeepalived, renderSteer, renderKeeper,
  renderLoadAgent, renderContainerd, renderKubelet, renderKubeProxy, renderPodNetwork,
  renderServices, renderServiceVips,
];

/** Everything that a host should have. */
export function hostDesign(input: RenderInput, table: readonly Renderer[] = renderers): ComponentDesign[] {
  return table.map((render) => render(input)).filter((component) => component !== undefined);
}
