// A module of its own for `import()`: once bundled, the CommonJS package itself has no named exports.
export { Agent, buildConnector } from 'undici';
