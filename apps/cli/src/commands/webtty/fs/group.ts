import type { CommandGroup } from '../../../command.ts';

/** `webtty fs`: files of a device. */
export const fsGroup: CommandGroup = {
  summary: 'files of a device',
  commands: {
    ls: { summary: 'list a folder of a device', aliases: ['list'], load: async () => (await import('./ls.ts')).command },
    stat: { summary: 'show what is known about a file or folder', load: async () => (await import('./stat.ts')).command },
    tree: { summary: 'show all that is in a folder of a device', load: async () => (await import('./tree.ts')).command },
    read: { summary: 'print a file of a device', aliases: ['cat'], load: async () => (await import('./read.ts')).command },
    tail: { summary: 'print the end of a file of a device', load: async () => (await import('./tail.ts')).command },
    hash: { summary: 'compute the hash of a file on the device', load: async () => (await import('./hash.ts')).command },
    write: { summary: 'write stdin to a file of a device', load: async () => (await import('./write.ts')).command },
    upload: { summary: 'upload a file or a folder', load: async () => (await import('./upload.ts')).command },
    download: { summary: 'download a file or a folder', load: async () => (await import('./download.ts')).command },
    sync: { summary: 'make one folder as another, here or on a device', load: async () => (await import('./sync.ts')).command },
    mkdir: { summary: 'make a folder on a device', load: async () => (await import('./mkdir.ts')).command },
    mv: { summary: 'move or rename on a device', load: async () => (await import('./mv.ts')).command },
    cp: { summary: 'copy on a device', load: async () => (await import('./cp.ts')).command },
    rm: { summary: 'remove a file or a folder of a device', aliases: ['remove'], load: async () => (await import('./rm.ts')).command },
    serve: { summary: 'put the files of a device on a local port, to mount them', load: async () => (await import('./serve.ts')).command },
  },
};
