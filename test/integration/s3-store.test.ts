import { after, before, describe, it } from 'node:test';
import { storeConformance } from '../../src/backup/store/store.conformance.ts';
import { s3Store } from '../../src/backup/store/s3-store.ts';
import { realS3, type RealS3 } from '../support/real-s3.ts';

let s3: RealS3;
let count = 0;
before(async () => {
  s3 = await realS3();
  Object.assign(process.env, s3.owner);
  await s3.client.createBucket({ Bucket: 'backups' });
});
after(() => s3[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const at = (prefix: string) => s3Store({ bucket: 'backups', prefix, endpoint: s3.endpoint, ca: s3.ca, pathStyle: true }, { signal });
storeConformance('a bucket of radosgw', {
  open: async () => at(`store-${++count}/`),
  again: async ({ place }) => at(`${/^s3:\/\/backups\/(.*)$/.exec(place)![1]!}/`),
});
