import { readFileSync, rmSync, statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { limits, RstreamError } from '@rstream/protocol';
import { Permission, type Resources } from '@rstream/protocol/claims';
import type { Credential } from '../store/entities.ts';
import { parseTtl } from './duration.ts';
import { findProject, withStore } from './open-store.ts';
import { type OutputFormat, outputOption, print } from './output.ts';

interface Flags {
  readonly dataDir: string;
  readonly output: OutputFormat;
}

interface CreateFlags extends Flags {
  readonly name: string;
  readonly out: string;
  readonly project?: string;
  readonly allProjects?: boolean;
  readonly permission: string[];
  readonly resourcesFile?: string;
  readonly ttl?: string;
  readonly family: 'pat' | 'app';
  readonly force?: boolean;
}

const collect = (value: string, all: string[] = []): string[] => [...all, value];
const dataDirOption = (): Option => new Option('--data-dir <dir>', 'data directory of the server').makeOptionMandatory();

export const tokenCommand = (): Command =>
  new Command('token')
    .description('Credentials of devices, pipelines and applications. Works while the server runs.')
    .addCommand(
      new Command('create')
        .addOption(dataDirOption())
        .option('--project <endpoint>', 'the one project that the credential is for (endpoint, id or name)')
        .option('--all-projects', 'a credential for every project of the workspace')
        .requiredOption('--permission <name>', 'permission to give, repeated for more; "all" for all of the owner', collect)
        .option('--resources-file <file>', 'JSON with the resource scopes of the credential')
        .option('--ttl <duration>', 'life, e.g. 12h or 90d; without it the credential lives until revoked')
        .addOption(new Option('--family <family>', 'kind of credential').choices(['pat', 'app']).default('pat'))
        .requiredOption('--name <name>', 'what the credential is for')
        .requiredOption('--out <file>', 'file for the secret, made readable by you only; "-" prints it')
        .option('--force', 'overwrite the file')
        .addOption(outputOption())
        .action(create),
    )
    .addCommand(new Command('list').addOption(dataDirOption()).addOption(outputOption()).action(list))
    .addCommand(new Command('revoke').argument('<id>').addOption(dataDirOption()).addOption(outputOption()).action(revoke));

async function create(flags: CreateFlags): Promise<void> {
  const [{ issueApp, issuePat }, { createOwnedFile, replaceOwnedFile }] = await Promise.all([
    import('../issue-credential.ts'),
    import('../state/owned-file.ts'),
  ]);
  if ((flags.project === undefined) === (flags.allProjects !== true)) throw usage('Give either --project or --all-projects.');
  const permissions = permissionsOf(flags.permission);
  const resources = flags.resourcesFile === undefined ? undefined : await readResources(flags.resourcesFile);
  const ttlMs = flags.ttl === undefined ? undefined : parseTtl(flags.ttl);
  const issued = await withStore(flags.dataDir, async (opened) => {
    const project = flags.project === undefined ? undefined : await findProject(opened, flags.project);
    const request = { name: flags.name, userId: opened.owner.id, workspaceId: opened.workspace.id, project, permissions, resources, ttlMs };
    const made = flags.family === 'app' ? issueApp(request) : await issuePat(request);
    if (flags.out !== '-') (flags.force === true ? replaceOwnedFile : createOwnedFile)(flags.out, `${made.secret}\n`);
    await opened.store.addCredential(made.credential).catch((error: unknown) => {
      if (flags.out !== '-') rmSync(flags.out, { force: true });
      throw error;
    });
    return made;
  });
  if (flags.out === '-' && flags.output === 'table') return void process.stdout.write(`${issued.secret}\n`);
  const secret = flags.out === '-' ? { secret: issued.secret } : { out: flags.out };
  await print(flags.output, { ...view(issued.credential), ...secret }, [row(issued.credential)]);
}

async function list({ dataDir, output }: Flags): Promise<void> {
  const credentials = await withStore(dataDir, ({ store }) => store.credentials());
  await print(output, { tokens: credentials.map(view) }, credentials.map(row));
}

async function revoke(id: string, { dataDir, output }: Flags): Promise<void> {
  const credential = await withStore(dataDir, async ({ store }) => {
    await store.revokeCredential(id, Date.now());
    return await store.credential(id);
  });
  if (credential === undefined) {
    throw new RstreamError('ERR_RSTREAM_HOSTED_NOT_FOUND', `No credential has the id "${id}".`, {
      next: 'See "rstream-hosted token list".',
    });
  }
  await print(output, view(credential), [row(credential)]);
}

function permissionsOf(names: readonly string[]): readonly Permission[] | null {
  if (names.length === 1 && names[0] === 'all') return null;
  return names.map((name) => {
    const parsed = Permission.safeParse(name);
    if (parsed.success) return parsed.data;
    throw usage(`"${name}" is not a permission.`, `Use "all" alone, or one of: ${Permission.options.join(', ')}.`);
  });
}

async function readResources(path: string): Promise<Resources> {
  const { checkedResources } = await import('@rstream/auth-tokens');
  try {
    if (statSync(path).size > limits.control.resourcesFileBytes.default) throw new Error('the file is too large');
    return checkedResources(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw usage(`${path} does not hold valid resources: ${cause instanceof Error ? cause.message : 'unreadable'}`);
  }
}

const usage = (message: string, next?: string): RstreamError =>
  new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', message, { next: next ?? 'See --help of this command.' });

const iso = (time: number | undefined): string | undefined => (time === undefined ? undefined : new Date(time).toISOString());

function stateOf({ revokedAt, expiresAt }: Credential): 'active' | 'revoked' | 'expired' {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= Date.now() ? 'expired' : 'active';
}

const row = (credential: Credential) => ({
  id: credential.id,
  name: credential.name,
  project: credential.projectEndpoint ?? '(all)',
  state: stateOf(credential),
  expires: iso(credential.expiresAt) ?? 'never',
});

/** What may be known of a credential: no hash, no key. */
const view = (credential: Credential) => ({
  id: credential.id,
  name: credential.name,
  family: credential.family,
  project: credential.projectEndpoint,
  state: stateOf(credential),
  permissions: credential.permissions,
  resources: credential.resources,
  createdAt: iso(credential.createdAt),
  expiresAt: iso(credential.expiresAt),
  revokedAt: iso(credential.revokedAt),
});
