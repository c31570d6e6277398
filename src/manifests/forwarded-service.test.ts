import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KubekeepError } from '../lib/errors.ts';
import { parseForwardedServices } from './forwarded-service.ts';

describe('services on the command line', () => {
  test('what is not said is as most want it', () => {
    assert.deepEqual(parseForwardedServices(['shop/web:8080']), [{ namespace: 'shop', name: 'web', port: 8080, listen: 8080, mode: 'http', check: undefined, balance: 'leastconn', pods: 32 }]);
  });

  test('all of it can be said', () => {
    assert.deepEqual(parseForwardedServices(['shop/db:5432,listen=6000,mode=tcp,check=/ready?deep=1,balance=source,pods=3']), [{ namespace: 'shop', name: 'db', port: 5432, listen: 6000, mode: 'tcp', check: '/ready?deep=1', balance: 'source', pods: 3 }]);
  });

  for (const [words, message] of [
    [['web:80'], /^web:80: that is no service$/],
    [['shop/web'], /that is no service/],
    [['shop/Web:80'], /that is no service/],
    [['shop/web:80 '], /that is no service/],
    [[`shop/${'w'.repeat(64)}:80`], /that is no service/],
    [['shop/web:0'], /the port cannot be "0"/],
    [['shop/web:65536'], /the port cannot be "65536"/],
    [['shop/web:80,listen=080x'], /listen cannot be "080x"/],
    [['shop/web:80,mode=udp'], /mode cannot be "udp"/],
    [['shop/web:80,balance=random'], /balance cannot be "random"/],
    [['shop/web:80,check=healthz'], /check=healthz is no path/],
    [['shop/web:80,check=/a b'], /is no path/],
    [['shop/web:80,check=/a\n    server evil 1.2.3.4:80'], /is no path/],
    [['shop/web:80,pods=0'], /pods cannot be "0"/],
    [['shop/web:80,pods=1001'], /pods cannot be "1001"/],
    [['shop/web:80,tls'], /there is no "tls"/],
    [['shop/web:80,=x'], /there is no "=x"/],
    [['shop/web:80,pods=2,pods=3'], /pods is there twice/],
    [['shop/web:80', 'shop/db:81,listen=80'], /^shop\/db:81,listen=80: port 80 is that of shop\/web:80 already$/],
  ] as const) {
    test(`refused: ${JSON.stringify(words)}`, () => {
      assert.throws(() => parseForwardedServices(words), (error) => error instanceof KubekeepError && error.code === 'usage' && message.test(error.message));
    });
  }
});
