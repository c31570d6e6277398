export async function putLimitsBack(_runtimeFolder: string): Promise<void> {}
