/** Whether a node says that it waits for a network for its pods, and for nothing else. */
export function lacksNetwork(reason: string): boolean {
  return /NetworkPluginNotReady|cni plugin not initialized/.test(reason);
}
