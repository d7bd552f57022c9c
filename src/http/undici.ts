// To be imported when it is needed: the import of a CommonJS package itself has no named exports once
// it is bundled, that of this module has.
export { buildConnector, EnvHttpProxyAgent } from 'undici';
