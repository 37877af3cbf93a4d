import { Command } from 'commander';
import type { StoredProject } from '../store/entities.ts';
import { withStore } from './open-store.ts';
import { type OutputFormat, outputOption, print } from './output.ts';

interface Flags {
  readonly dataDir: string;
  readonly output: OutputFormat;
}

export const projectCommand = (): Command =>
  new Command('project')
    .description('Projects: one engine address and one namespace of tunnels each.')
    .addCommand(
      new Command('list').requiredOption('--data-dir <dir>', 'data directory of the server').addOption(outputOption()).action(list),
    )
    .addCommand(
      new Command('create')
        .requiredOption('--data-dir <dir>', 'data directory of the server')
        .requiredOption('--name <name>', 'name of the project')
        .addOption(outputOption())
        .action(create),
    );

const row = ({ endpoint, name, status, id }: StoredProject) => ({ endpoint, name, status, id });
const view = (project: StoredProject) => ({ ...project, createdAt: new Date(project.createdAt).toISOString() });

async function list({ dataDir, output }: Flags): Promise<void> {
  const projects = await withStore(dataDir, ({ store, workspace }) => store.projects([workspace.id]));
  await print(output, { projects: projects.map(view) }, projects.map(row));
}

async function create({ dataDir, output, name }: Flags & { readonly name: string }): Promise<void> {
  const { addProject } = await import('../state/first-start.ts');
  const project = await withStore(dataDir, ({ store, workspace }) => addProject(store, { workspaceId: workspace.id, name }));
  await print(output, view(project), [row(project)]);
}
