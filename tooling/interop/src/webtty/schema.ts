import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { installPackage, provide } from '../provide.ts';

const proto = join(import.meta.dirname, 'webtty.proto');
/** The one that Debian's Python packages belong to. */
const PYTHON = '/usr/bin/python3';

/** The published `Message`, by protobufjs. */
export function publishedMessage(): protobuf.Type {
  const { root } = protobuf.parse(readFileSync(proto, 'utf8'));
  const type = root.lookupType('rstream.webtty.protobuf.Message');
  root.resolveAll();
  return type;
}

/** Command line of the Python peer, with the schema that protoc made of the same file. */
export function pythonPeer(): readonly [file: string, ...args: string[]] {
  const hasProtobuf = (): boolean => {
    try {
      execFileSync(PYTHON, ['-c', 'import google.protobuf'], { stdio: 'pipe' });
      return true;
    } catch {
      return false;
    }
  };
  if (!hasProtobuf()) installPackage('python3-protobuf');
  if (!hasProtobuf()) throw new Error('this needs protobuf for Python: install the package python3-protobuf and run it again');
  const schema = join(mkdtempSync(join(tmpdir(), 'rstream-webtty-')), 'webtty.pb');
  execFileSync(provide('protoc'), [`--proto_path=${import.meta.dirname}`, `--descriptor_set_out=${schema}`, proto], { stdio: 'pipe' });
  return [PYTHON, join(import.meta.dirname, 'peer.py'), schema];
}
