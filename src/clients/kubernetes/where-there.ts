import { ApiError } from './api-error.ts';

/** What an API server answers, or undefined where there is no object of that name. Rejects with every other error. */
export async function whereThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}
