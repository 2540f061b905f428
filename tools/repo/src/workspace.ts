import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

/** The fields of a package.json that the checks read. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A source file: its path from the root, with slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Tests, benchmarks and their helpers, which may import what they like. */
  readonly isTest: boolean;
}

/** A package, application or tool of the workspace. */
export interface Workspace {
  /** Its folder from the root, such as `packages/isa`. */
  readonly folder: string;
  readonly kind: 'packages' | 'apps' | 'tools';
  readonly manifest: Manifest;
  readonly sources: readonly SourceFile[];
}

const TEST_FILE = /\.(test|bench)\.ts$|(^|\/)test-[^/]*$|\/(testing|fixtures)\//;

/** Reads every package, application and tool of the repository. */
export function readWorkspaces(): Workspace[] {
  return (['packages', 'apps', 'tools'] as const).flatMap((kind) =>
    readdirSync(join(root, kind), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => {
        const folder = `${kind}/${entry.name}`;
        const manifest = read(`${folder}/package.json`);
        if (manifest === undefined) return [];
        const sources = sourcesOf(`${folder}/src`);
        return [{ folder, kind, manifest: JSON.parse(manifest) as Manifest, sources }];
      }),
  );
}

/** Reads a file by its path from the root, or gives undefined if it is not there. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

function sourcesOf(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/');
      return { path, text: read(path) ?? '', isTest: TEST_FILE.test(path) };
    });
}
