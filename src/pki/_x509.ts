// @peculiar/x509 needs this polyfill to be there before it is loaded.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export { x509 };
