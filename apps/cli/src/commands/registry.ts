import type { CommandEntry, CommandGroup } from '../command.ts';
import { mcpGroup } from './mcp/group.ts';
import { fsGroup } from './webtty/fs/group.ts';

/** Every command of the command line, in the order of `--help`. */
export const registry: CommandGroup['commands'] = {
  forward: {
    summary: 'give a local service a URL',
    load: async () => (await import('./forward.ts')).command,
  },
  files: {
    summary: 'share a file or a folder with people, read-only',
    load: async () => (await import('./files.ts')).command,
  },
  webtty: {
    summary: 'run commands and open terminals on devices',
    commands: {
      list: {
        summary: 'list the devices that take commands',
        aliases: ['ls'],
        load: async () => (await import('./webtty/list.ts')).command,
      },
      exec: { summary: 'run a command on a device, or on many', load: async () => (await import('./webtty/exec.ts')).command },
      client: {
        summary: 'open a terminal on a device, or come back to one',
        load: async () => (await import('./webtty/client.ts')).command,
      },
      job: {
        summary: 'commands that need no connection',
        aliases: ['jobs'],
        commands: {
          start: { summary: 'start a command that needs no connection', load: async () => (await import('./webtty/job/start.ts')).command },
          list: { summary: 'list the jobs of a device', aliases: ['ls'], load: async () => (await import('./webtty/job/list.ts')).command },
          show: { summary: 'show how a job stands', load: async () => (await import('./webtty/job/show.ts')).command },
          logs: { summary: 'read the output of a job', load: async () => (await import('./webtty/job/logs.ts')).command },
          wait: { summary: 'wait for a job to end, and end as it did', load: async () => (await import('./webtty/job/wait.ts')).command },
          cancel: { summary: 'end a job that runs', load: async () => (await import('./webtty/job/cancel.ts')).command },
          forget: {
            summary: 'remove what a device keeps of an ended job',
            aliases: ['rm'],
            load: async () => (await import('./webtty/job/forget.ts')).command,
          },
        },
      },
      sessions: {
        summary: 'what runs on a device, and who may look',
        aliases: ['session'],
        commands: {
          list: {
            summary: 'list the sessions of a device',
            aliases: ['ls'],
            load: async () => (await import('./webtty/sessions/list.ts')).command,
          },
          end: { summary: 'end a session', load: async () => (await import('./webtty/sessions/end.ts')).command },
          share: {
            summary: 'print a link with which a browser looks at a terminal',
            load: async () => (await import('./webtty/sessions/share.ts')).command,
          },
          unshare: { summary: 'take links to a terminal back', load: async () => (await import('./webtty/sessions/unshare.ts')).command },
        },
      },
      fs: fsGroup,
      server: {
        summary: 'let this machine take commands and terminals',
        load: async () => (await import('./webtty/server.ts')).command,
      },
    },
  },
  netcat: {
    summary: 'connect stdin and stdout to a private tunnel',
    aliases: ['nc', 'ncat'],
    load: async () => (await import('./netcat.ts')).command,
  },
  tunnel: {
    summary: 'see the tunnels of the project',
    commands: {
      list: { summary: 'list the live tunnels', aliases: ['ls'], load: async () => (await import('./tunnel/list.ts')).command },
    },
  },
  client: {
    summary: 'see who is connected to the project',
    commands: {
      list: { summary: 'list the connected clients', aliases: ['ls'], load: async () => (await import('./client/list.ts')).command },
    },
  },
  context: {
    summary: 'choose which engine and credential to use',
    aliases: ['ctx'],
    commands: {
      list: { summary: 'list the contexts', aliases: ['ls'], load: async () => (await import('./context/list.ts')).command },
      get: { summary: 'show one context, without its secrets', load: async () => (await import('./context/get.ts')).command },
      use: { summary: 'make a context the default', load: async () => (await import('./context/use.ts')).command },
      create: { summary: 'add a context', load: async () => (await import('./context/create.ts')).command },
      update: { summary: 'change a context', load: async () => (await import('./context/update.ts')).command },
      delete: { summary: 'remove a context', aliases: ['rm'], load: async () => (await import('./context/delete.ts')).command },
    },
  },
  mcp: mcpGroup,
  codex: {
    summary: 'connect OpenAI Codex to rstream',
    commands: {
      setup: { summary: 'add the rstream MCP server to Codex', load: async () => (await import('./codex/setup.ts')).command },
    },
  },
  claude: {
    summary: 'connect Claude Code to rstream',
    commands: {
      setup: { summary: 'add the rstream MCP server to Claude Code', load: async () => (await import('./claude/setup.ts')).command },
    },
  },
  doctor: {
    summary: 'find out why something does not work',
    load: async () => (await import('./doctor.ts')).command,
  },
  version: {
    summary: 'print the version',
    load: async () => (await import('./version.ts')).command,
  },
};

export function isGroup(entry: CommandEntry | CommandGroup): entry is CommandGroup {
  return 'commands' in entry;
}
