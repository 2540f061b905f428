import { pageBytes } from '@ringfence/memory';
import {
  machineToPhysicalStart,
  Assist,
  DomainId,
  XenError,
  xenExtraVersion,
  XenFeature,
  xenMajor,
  xenMinor,
} from '../constants.ts';
import { argument } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

/** Sub-operations (public/version.h, XENVER_*). */
const Version = {
  version: 0,
  extraVersion: 1,
  compileInfo: 2,
  capabilities: 3,
  changeset: 4,
  platformParameters: 5,
  features: 6,
  pageSize: 7,
  guestHandle: 8,
  commandLine: 9,
  buildId: 10,
} as const;

const bits = (...numbers: readonly number[]): number =>
  numbers.reduce((mask, number) => mask | (1 << number), 0);

const features = {
  hvm: bits(
    XenFeature.writablePageTables,
    XenFeature.autoTranslatedPhysmap,
    XenFeature.hvmCallbackVector,
    XenFeature.hvmSafePvclock,
    XenFeature.memoryOpVnode,
  ),
  pv: bits(
    XenFeature.mmuPtUpdatePreserveAd,
    XenFeature.highMemAssist,
    XenFeature.memoryOpVnode,
    XenFeature.gnttabMapAvailBits,
  ),
} as const;

/** The kinds of guests that there can be. */
const capabilities = 'xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p ';

/** What a guest reads instead of the hypervisor's command line. */
const denied = '<denied>';

/** `xen_version`: what Xen this is and what it can do. */
export const serveVersion: XenHandler = (call) => {
  const to = argument(call, 1);
  switch (argument(call, 0)) {
    case Version.version:
      return (xenMajor << 16) | xenMinor;
    case Version.extraVersion:
      return text(call, to, xenExtraVersion, 16);
    case Version.compileInfo:
      return compileInfo(call, to);
    case Version.capabilities:
      return text(call, to, capabilities, 1024);
    case Version.changeset:
      return text(call, to, 'unavailable', 64);
    case Version.platformParameters: {
      const start = call.domain.kind === 'pv' ? machineToPhysicalStart : 0;
      return call.copy.writeWords(to, [start]) ? 0 : -XenError.fault;
    }
    case Version.features:
      return featureMap(call, to);
    case Version.pageSize:
      return to === 0 ? pageBytes : -XenError.invalid;
    case Version.guestHandle:
      return call.copy.write(to, guestHandle()) ? 0 : -XenError.fault;
    case Version.commandLine:
      return text(call, to, denied, denied.length + 1);
    case Version.buildId:
      return -XenError.notPermitted;
    default:
      return -XenError.noSuchCall;
  }
};

function guestHandle(): Uint8Array {
  const handle = new Uint8Array(16);
  handle[15] = DomainId.guest;
  return handle;
}

function featureMap(call: XenCall, to: number): number {
  const request = call.copy.words(to, 1);
  if (request === undefined) {
    return -XenError.fault;
  }
  const index = request[0] ?? 0;
  if (index !== 0) {
    return -XenError.invalid;
  }
  const { kind, assists } = call.domain;
  const isExtended = (assists & (1 << Assist.paeExtendedCr3)) !== 0;
  const chosen = isExtended ? 1 << XenFeature.paePgdirAbove4gb : 0;
  return call.copy.writeWords(to, [index, features[kind] | chosen]) ? 0 : -XenError.fault;
}

function compileInfo(call: XenCall, to: number): number {
  const bytes = new Uint8Array(64 + 16 + 32 + 32);
  put(bytes, 0, 'TypeScript');
  put(bytes, 64, 'ringfence');
  put(bytes, 80, 'localdomain');
  return call.copy.write(to, bytes) ? 0 : -XenError.fault;
}

function text(call: XenCall, to: number, value: string, size: number): number {
  const bytes = new Uint8Array(size);
  put(bytes, 0, value);
  return call.copy.write(to, bytes) ? 0 : -XenError.fault;
}

function put(bytes: Uint8Array, at: number, value: string): void {
  for (let index = 0; index < value.length; index += 1) {
    bytes[at + index] = value.charCodeAt(index);
  }
}
