import { listContexts, loadConfig, resolveContext, type ContextFlags, type ContextView, type ResolvedContext } from '@rstream/config';
import type { Project } from '@rstream/protocol/control';
import { RstreamError } from '@rstream/protocol';

/** True when the context already means this project: by its name, its endpoint, or the first label of its engine. */
function means(context: Pick<ContextView, 'name' | 'projectEndpoint' | 'engine'>, project: string): boolean {
  return (
    context.name === project ||
    context.projectEndpoint === project ||
    context.engine?.replace(/^https?:\/\//, '').startsWith(`${project}.`) === true
  );
}

/**
 * The context in another project, without writing anything down: the selected one when it fits, else a configured one, else the
 * control plane's answer with the login of the selected context.
 *
 * @throws RstreamError NOT_FOUND naming the choices
 */
export async function inProject(context: ResolvedContext, project: string | undefined, flags: ContextFlags): Promise<ResolvedContext> {
  const { name = '', engine, projectEndpoint } = context;
  const here = { name, ...(engine === undefined ? {} : { engine }), ...(projectEndpoint === undefined ? {} : { projectEndpoint }) };
  if (project === undefined || means(here, project)) return context;
  const { config } = await loadConfig(context.configPath);
  const [configured, another] = listContexts(config).filter((view) => means(view, project));
  if (configured !== undefined && another === undefined) return await resolveContext({ flags: { ...flags, context: configured.name } });
  if (context.apiUrl === undefined) {
    throw new RstreamError('NOT_FOUND', `No context means the project "${project}".`, {
      next: 'Call rstream_context_list for the choices.',
    });
  }
  const found = await findProject(context, project);
  const moved = { ...context, engine: `${found.endpoint}.${found.domain}:${found.enginePort}`, projectEndpoint: found.endpoint };
  return Object.defineProperty(moved, 'token', { get: () => context.token, enumerable: false });
}

async function findProject(context: ResolvedContext, wanted: string): Promise<Project> {
  const { openOperator } = await import('../../operator/open.ts');
  const page = await openOperator(context).control()?.projects.list({ pageSize: 100 });
  const projects = page?.projects ?? [];
  const found = projects.filter(({ id, endpoint, name }) => [id, endpoint, name].includes(wanted));
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  const choices = projects.map(({ name, endpoint }) => `${name} (${endpoint})`).join(', ');
  throw new RstreamError('NOT_FOUND', `${another === undefined ? 'No' : 'More than one'} project is called "${wanted}".`, {
    next: `Ask the user which one: ${choices}.`,
  });
}
