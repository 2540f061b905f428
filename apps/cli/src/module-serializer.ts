/**
 * Bytes of compiled WebAssembly modules, by functions that V8 has for its own tests and that are
 * there in the V8 of Node 20. What is wrong for them ends the process, so they are only offered
 * where a module was seen to come back, and bytes must be those that `serialize` returned.
 */
import { url as inspectorUrl } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { FunctionBody, ModuleBuilder } from '@ringfence/wasm';

/** Turns compiled modules into bytes and back. */
export interface ModuleSerializer {
  /** The module must have been compiled by the optimizing compiler, as it hinted. */
  serialize(module: WebAssembly.Module): Uint8Array;
  /** Returns undefined for bytes of another version of V8, or of other flags. */
  deserialize(
    bytes: Uint8Array<ArrayBuffer>,
    wasm: Uint8Array<ArrayBuffer>,
  ): WebAssembly.Module | undefined;
}

/** V8's functions; each does nothing for undefined, so that it can be called to be compiled. */
interface Natives {
  serialize(module: WebAssembly.Module | undefined): ArrayBuffer | undefined;
  deserialize(
    bytes: ArrayBuffer | undefined,
    wasm: Uint8Array | undefined,
  ): WebAssembly.Module | undefined;
  isOptimized(exported: unknown): boolean | undefined;
}

/** The serializer of this process; undefined where there is none. */
export function moduleSerializer(): ModuleSerializer | undefined {
  // A debugger has V8 compile modules in another way.
  if (!process.versions.v8.startsWith('11.') || inspectorUrl() !== undefined) return undefined;
  const natives = findNatives();
  if (natives === undefined) return undefined;
  const serializer: ModuleSerializer = {
    serialize: (module) => new Uint8Array(natives.serialize(module) ?? new ArrayBuffer(0)),
    deserialize: (bytes, wasm) => natives.deserialize(bytes.buffer, wasm),
  };
  return comesBack(serializer, natives) ? serializer : undefined;
}

function findNatives(): Natives | undefined {
  setFlagsFromString('--allow-natives-syntax');
  try {
    const natives = runInThisContext(`({
      serialize: (module) => module && %SerializeWasmModule(module),
      deserialize: (bytes, wasm) => bytes && %DeserializeWasmModule(bytes, wasm),
      isOptimized: (exported) => exported && %IsTurboFanFunction(exported),
    })`) as Natives;
    // V8 compiles a function when it is first called, and needs the flag then.
    natives.serialize(undefined);
    natives.deserialize(undefined, undefined);
    natives.isOptimized(undefined);
    return natives;
  } catch {
    return undefined;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}

/** Whether V8 optimizes modules as they hint, and a module comes back from its bytes. */
function comesBack(serializer: ModuleSerializer, natives: Natives): boolean {
  const builder = new ModuleBuilder();
  const index = builder.declare({ parameters: ['i32'], results: ['i32'] });
  const body = new FunctionBody(['i32']);
  body.get(0);
  builder.define(index, body);
  builder.export('same', index);
  builder.hint('optimized');
  const wasm = builder.build();
  const module = new WebAssembly.Module(wasm);
  if (natives.isOptimized(sameOf(module)) !== true) return false;
  const again = serializer.deserialize(serializer.serialize(module).slice(), wasm);
  return again !== undefined && sameOf(again)(42) === 42;
}

function sameOf(module: WebAssembly.Module): (value: number) => number {
  return new WebAssembly.Instance(module).exports['same'] as (value: number) => number;
}
