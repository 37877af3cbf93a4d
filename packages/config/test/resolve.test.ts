import { expect, test } from 'vitest';
import { parseConfig, resolveFrom, type ContextFlags, type Env, type LoadedConfig } from '../src/index.ts';

const source = `
version: 1
defaults: { context: { name: home } }
environments:
  - apiUrl: https://cloud.test
    headers: { x-tenant: a }
    auth: { token: { storage: { kind: inline, value: login-token } } }
contexts:
  - name: home
    engine: home.test:443
    auth: { token: { storage: { kind: inline, value: home-token } } }
  - name: bare
    engine: bare.test:8080
  - name: linked
    apiUrl: https://cloud.test/
    engine: linked.test:443
    projectEndpoint: 0011aabb
  - name: twin
    apiUrl: https://one.test
    engine: one.test:1
  - name: twin
    apiUrl: https://two.test
    engine: two.test:2
  - name: both
    engine: both.test:1
    auth: { token: { storage: { kind: inline, value: t } }, mtls: { certificateFile: c } }
  - name: ring
    engine: ring.test:1
    auth: { token: { storage: { kind: keychain, service: s } } }
`;

function resolve(flags: ContextFlags = {}, env: Env = {}, changes: Partial<LoadedConfig> = {}) {
  const loaded = { path: '/x/config.yaml', exists: true, readableByOthers: false, ...parseConfig(source, '/x/config.yaml'), ...changes };
  return resolveFrom(loaded, { flags, env });
}

const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};

test.each<[string, ContextFlags, Env, { name?: string | undefined; engine?: string; apiUrl?: string; token?: string }]>([
  ['the default context', {}, {}, { name: 'home', engine: 'home.test:443', token: 'home-token' }],
  ['a variable over the default context', {}, { RSTREAM_CONTEXT: 'linked' }, { name: 'linked', engine: 'linked.test:443' }],
  ['a flag over the variable', { context: 'home' }, { RSTREAM_CONTEXT: 'linked' }, { name: 'home' }],
  [
    'the engine variable over the context',
    {},
    { RSTREAM_ENGINE: 'other:1', RSTREAM_AUTHENTICATION_TOKEN: 'given' },
    { engine: 'other:1', token: 'given' },
  ],
  ['the engine flag over the variable', { engine: 'flag:1' }, { RSTREAM_ENGINE: 'other:1' }, { engine: 'flag:1' }],
  ['the token variable over a stored token', {}, { RSTREAM_AUTHENTICATION_TOKEN: 'given' }, { engine: 'home.test:443', token: 'given' }],
  ['the login token of the environment that a context is linked to', { context: 'linked' }, {}, { token: 'login-token' }],
  ['an empty variable as one that is not set', {}, { RSTREAM_CONTEXT: '', RSTREAM_ENGINE: ' ' }, { name: 'home', engine: 'home.test:443' }],
  ['the API URL that tells contexts of one name apart', { context: 'twin', apiUrl: 'https://two.test' }, {}, { engine: 'two.test:2' }],
])('takes %s', (_, flags, env, expected) => {
  const context = resolve(flags, env);
  for (const [key, value] of Object.entries(expected)) expect(context[key as 'name'], key).toBe(value);
});

test('says where the token comes from', () => {
  expect(resolve().tokenSource).toBe('context');
  expect(resolve({ context: 'linked' }).tokenSource).toBe('linked-environment');
  expect(resolve({}, { RSTREAM_AUTHENTICATION_TOKEN: 't' }).tokenSource).toBe('environment-variable');
  expect(resolve({ context: 'bare' }).tokenSource).toBeUndefined();
});

test('never sends a stored token to an overridden engine', () => {
  for (const env of [{ RSTREAM_ENGINE: 'evil.test:443' }, { RSTREAM_ENGINE: 'home.test:444' }]) {
    const context = resolve({}, env);
    expect(context.hasToken).toBe(false);
    expect(codeOf(() => context.token)).toBe('ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE');
  }
  const linked = resolve({ context: 'linked', engine: 'evil.test' });
  expect(codeOf(() => linked.token)).toBe('ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE');
});

test('sees an override with the same engine in another spelling as no override', () => {
  for (const engine of ['home.test', 'HOME.test:443', 'https://home.test/']) expect(resolve({ engine }).token).toBe('home-token');
});

test('never sends a stored token to another control plane', () => {
  expect(codeOf(() => resolve({ apiUrl: 'https://evil.test' }).token)).toBe('ERR_RSTREAM_STORED_TOKEN_API_OVERRIDE');
  expect(codeOf(() => resolve({ context: 'linked', apiUrl: 'https://evil.test' }).token)).toBe('ERR_RSTREAM_AUTH_REQUIRED');
});

test('an unlinked context inherits neither token nor headers, even when an API URL is given', () => {
  expect(codeOf(() => resolve({ context: 'bare' }).token)).toBe('ERR_RSTREAM_AUTH_REQUIRED');
  const context = resolve({ context: 'bare', apiUrl: 'https://cloud.test' });
  expect(codeOf(() => context.token)).toBe('ERR_RSTREAM_AUTH_REQUIRED');
});

test('gives headers only with a control plane', () => {
  expect(resolve({ context: 'linked' }).headers).toEqual({ 'x-tenant': 'a' });
  expect(resolve({}, { RSTREAM_CONTROL_PLANE_HEADERS: '{"x":"y"}' }).headers).toEqual({});
  expect(resolve({ context: 'linked' }, { RSTREAM_CONTROL_PLANE_HEADERS: '{"x":"y"}' }).headers).toEqual({ 'x-tenant': 'a', x: 'y' });
  expect(codeOf(() => resolve({ context: 'linked' }, { RSTREAM_CONTROL_PLANE_HEADERS: 'secret' }))).toBe('ERR_RSTREAM_CONFIG_INVALID');
});

test('keeps the token out of JSON, spreads and keys', () => {
  const context = resolve();
  expect(JSON.stringify({ context, ...context })).not.toContain('home-token');
  expect(Object.keys(context)).not.toContain('token');
});

test('refuses a stored token in a file that others can read, and takes a given one', () => {
  expect(codeOf(() => resolve({}, {}, { readableByOthers: true }).token)).toBe('ERR_RSTREAM_CONFIG_UNSAFE');
  expect(resolve({}, { RSTREAM_AUTHENTICATION_TOKEN: 't' }, { readableByOthers: true }).token).toBe('t');
});

test.each([
  ['two credentials', 'both', 'ERR_RSTREAM_AUTH_CONFLICT'],
  ['a store that cannot be opened', 'ring', 'ERR_RSTREAM_TOKEN_STORAGE_UNSUPPORTED'],
])('refuses %s', (_, context, code) => {
  expect(codeOf(() => resolve({ context }).token)).toBe(code);
});

test('refuses an expired token and one that is none, without repeating it', () => {
  const expired = resolve({}, { RSTREAM_AUTHENTICATION_TOKEN: jwt({ exp: 1 }) });
  expect(codeOf(() => expired.token)).toBe('ERR_RSTREAM_TOKEN_EXPIRED');
  expect(resolve({}, { RSTREAM_AUTHENTICATION_TOKEN: jwt({ exp: 4e9 }) }).hasToken).toBe(true);
  expect(() => resolve({}, { RSTREAM_AUTHENTICATION_TOKEN: 'not a token' }).token).toThrow(
    /^RSTREAM_AUTHENTICATION_TOKEN does not hold a token\.$/,
  );
});

test('names the known contexts when one is unknown, and asks for the API URL when several match', () => {
  expect(() => resolve({ context: 'hom' })).toThrow(/There is no context "hom"\. Known contexts: home, bare/);
  expect(codeOf(() => resolve({ context: 'twin' }))).toBe('ERR_RSTREAM_CONTEXT_AMBIGUOUS');
});
