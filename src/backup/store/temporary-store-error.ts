import { KubekeepError, type ErrorOptions } from '../../lib/errors.ts';

/** A `store-failed` that may pass by itself: the store is busy, or did not answer. Whether it did what it was asked to is not known. */
export class TemporaryStoreError extends KubekeepError {
  constructor(message: string, options?: ErrorOptions) {
    super('store-failed', message, options);
  }
}
