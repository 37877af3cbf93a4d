import { relocation } from '../../../files/relocate.ts';

export const command = relocation('mv', 'MOVE', 'move or rename on a device');
