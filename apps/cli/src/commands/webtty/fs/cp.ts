import { relocation } from '../../../files/relocate.ts';

export const command = relocation('cp', 'COPY', 'copy on a device');
