import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { FileEntry, FileKind } from '../isolation/machine.js';
import { type EntryInfoSchema, FileType } from './gen/filesystem.gen.js';

const fileTypes: Readonly<Record<FileKind, FileType>> = {
  file: FileType.FILE,
  directory: FileType.DIRECTORY,
  link: FileType.SYMLINK,
  other: FileType.UNSPECIFIED,
};

/** A file of the sandbox in the words of the protocol. */
export function toEntryInfo(entry: FileEntry): MessageInitShape<typeof EntryInfoSchema> {
  return {
    name: entry.path.slice(entry.path.lastIndexOf('/') + 1),
    type: fileTypes[entry.kind],
    path: entry.path,
    size: BigInt(entry.size),
    mode: entry.mode & 0o777,
    permissions: permissionText(entry.mode),
    owner: entry.owner,
    group: entry.group,
    modifiedTime: timestampFromMs(entry.modifiedAtMs),
    ...(entry.linkTarget === undefined ? {} : { symlinkTarget: entry.linkTarget }),
    metadata: entry.metadata,
  };
}

/** As Go prints a file mode, which is what E2B does: the kind's letters, then nine for the rights. */
export function permissionText(mode: number): string {
  const kind = mode & 0o170000;
  const letters = [
    kind === 0o040000 ? 'd' : '',
    kind === 0o120000 ? 'L' : '',
    mode & 0o4000 ? 'u' : '',
    mode & 0o2000 ? 'g' : '',
    mode & 0o1000 ? 't' : '',
  ].join('');
  const rights = [...'rwxrwxrwx'].map((letter, index) => (mode & (0o400 >> index) ? letter : '-')).join('');
  return `${letters || '-'}${rights}`;
}
