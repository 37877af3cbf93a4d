// The walls of the house (ARCHITECTURE.md), checked over packages/*/src and apps/*/src.
// Cruise sources only: from the roots, pnpm's links are followed and every violation is reported twice.
const layer1 = 'tunnel-core|auth-tokens|control-client|webtty-client|webtty-server|webdav-sidecar|config';
const entry = (name, files) => `packages/${name}/src/(${files})\\.ts$`;

/** Files of a package that another package may import: its exports. */
const entries = [
  entry('protocol', 'index|claims|control|errors/index|exec|files|limits/index|tunnel|tunnel-rules|webtty|webtty/index|wire'),
  entry('tunnel-core', 'index|testing|testing/index'),
  entry('mcp-tools', 'index|runtime|control|server'),
  entry('(relay|auth-tokens|control-client|webtty-client|webtty-page|webtty-server|webdav-sidecar|config)', 'index'),
].join('|');

module.exports = {
  forbidden: [
    {
      name: 'could-not-resolve',
      comment: 'An import that does not resolve hides from every other rule: declare the dependency.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(bufferutil|bun|cloudflare:)' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'apps-are-leaves',
      comment: 'Nothing imports an app.',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^apps/' },
    },
    { name: 'apps-are-apart', severity: 'error', from: { path: '^apps/([^/]+)/' }, to: { path: '^apps/', pathNot: '^apps/$1/' } },
    {
      name: 'protocol-is-pure',
      comment: 'Layer 0 holds facts: it imports only zod and the protobuf wire primitives.',
      severity: 'error',
      from: { path: '^packages/protocol/src' },
      to: { pathNot: '^packages/protocol/src|node_modules/(\\.pnpm/)?(zod|@bufbuild)' },
    },
    {
      name: 'layer-1-imports-only-protocol',
      severity: 'error',
      from: { path: `^packages/(${layer1})/src` },
      to: { path: '^packages/', pathNot: '^packages/(protocol|$1)/' },
    },
    {
      name: 'relay-joins-protocol-and-tunnel-core',
      severity: 'error',
      from: { path: '^packages/relay/src' },
      to: { path: '^packages/', pathNot: '^packages/(protocol|tunnel-core|relay)/' },
    },
    {
      name: 'mcp-tools-joins-the-clients',
      severity: 'error',
      from: { path: '^packages/mcp-tools/src' },
      to: { path: '^packages/', pathNot: '^packages/(protocol|control-client|webtty-client|mcp-tools)/' },
    },
    {
      name: 'webtty-page-joins-protocol-and-webtty-client',
      severity: 'error',
      from: { path: '^packages/webtty-page/src' },
      to: { path: '^packages/', pathNot: '^packages/(protocol|webtty-client|webtty-page)/' },
    },
    {
      name: 'web-code-is-web-code',
      comment: 'These packages run in browsers.',
      severity: 'error',
      from: { path: '^packages/(protocol|control-client|webtty-client|webtty-page)/src' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'hosted-has-no-device-code',
      severity: 'error',
      from: { path: '^apps/hosted/src' },
      to: { path: '^packages/(webtty-server|webdav-sidecar|config|mcp-tools/src/runtime)', reachable: true },
    },
    {
      name: 'agent-has-no-public-side',
      severity: 'error',
      from: { path: '^apps/agent/src' },
      to: { path: '^packages/(relay|mcp-tools/src/control)', reachable: true },
    },
    {
      name: 'no-deep-imports',
      comment: 'Other packages are reached through their exports.',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/' },
      to: { path: '^packages/([^/]+)/', pathNot: `^packages/$2/|${entries}` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['@rstream/source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
