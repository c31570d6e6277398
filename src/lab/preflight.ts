export async function preflight(_options: { readonly directory: string }): Promise<void> {}
