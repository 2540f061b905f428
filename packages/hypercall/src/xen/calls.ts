/**
 * The hypercalls that every kind of guest has, by number (xen.h).
 *
 * A row is a name, the names of the arguments as they are traced, and who serves the call.
 */
import { Assist, XenCallNumber, XenError } from './constants.ts';
import { argument, isSpent, listError } from './ops/call.ts';
import type { XenCall, XenHandler } from './ops/call.ts';
import { serveConsoleIo } from './ops/console-io.ts';
import { serveEventChannel } from './ops/event-channel.ts';
import { serveGrantTable } from './ops/grant-table.ts';
import { serveHvm } from './ops/hvm.ts';
import { serveMemory } from './ops/memory.ts';
import {
  serveNothing,
  serveDeviceModel,
  serveTranslated,
  serveUnsupported,
  serveVersioned,
} from './ops/refused.ts';
import { serveSched, serveSetTimer } from './ops/scheduling.ts';
import { serveVcpu } from './ops/vcpu.ts';
import { serveVersion } from './ops/version.ts';

/** One hypercall as the dispatch, traces and counts know it (xen.h). */
export interface XenCallRow {
  readonly name: string;
  /** Names of the arguments, in order. */
  readonly parameters: readonly string[];
  readonly serve: XenHandler;
}

/** A table of hypercalls by number. */
export type XenCallTable = Readonly<Record<number, XenCallRow>>;

/** Makes a row; parameters are separated by blanks. */
export function row(name: string, parameters: string, serve: XenHandler): XenCallRow {
  return { name, parameters: parameters === '' ? [] : parameters.split(' '), serve };
}

/**
 * `vm_assist` types (xen.h, VMASST_TYPE_*): a paravirtual guest has 0 to 5, a translated one only
 * the flag of runstate updates.
 */
const assistTypes = { pv: 0x3f, hvm: 1 << Assist.runstateUpdates } as const;

const serveAssist: XenHandler = (call) => {
  const [enable, type] = [argument(call, 0), argument(call, 1)];
  const bit = type < 32 ? 1 << type : 0;
  if ((assistTypes[call.domain.kind] & bit) === 0) {
    return -XenError.invalid;
  }
  if (enable > 1) {
    return -XenError.noSuchCall;
  }
  call.domain.assists = enable === 0 ? call.domain.assists | bit : call.domain.assists & ~bit;
  return 0;
};

/** XENPF_INTERFACE_VERSION; XEN_SYSCTL_ and XEN_DOMCTL_INTERFACE_VERSION of 4.17. */
const platformVersion = 0x0300_0000;
const toolsVersion = 0x15;

/** The calls of translated guests and of paravirtual ones alike. */
export const commonCalls: XenCallTable = {
  [XenCallNumber.platformOp]: row('platform_op', 'arg', serveVersioned(platformVersion)),
  [XenCallNumber.memoryOp]: row('memory_op', 'cmd arg', serveMemory),
  [XenCallNumber.setTimerOp]: row('set_timer_op', 'timeout_lo timeout_hi', serveSetTimer),
  [XenCallNumber.xenVersion]: row('xen_version', 'cmd arg', serveVersion),
  [XenCallNumber.consoleIo]: row('console_io', 'cmd count buffer', serveConsoleIo),
  [XenCallNumber.grantTableOp]: row('grant_table_op', 'cmd uop count', serveGrantTable),
  [XenCallNumber.vmAssist]: row('vm_assist', 'cmd type', serveAssist),
  [XenCallNumber.vcpuOp]: row('vcpu_op', 'cmd vcpu arg', serveVcpu),
  [XenCallNumber.xsmOp]: row('xsm_op', 'op', serveNothing),
  [XenCallNumber.nmiOp]: row('nmi_op', 'cmd arg', serveNothing),
  [XenCallNumber.schedOp]: row('sched_op', 'cmd arg', serveSched),
  [XenCallNumber.xenoprofOp]: row('xenoprof_op', 'op arg', serveNothing),
  [XenCallNumber.eventChannelOp]: row('event_channel_op', 'cmd arg', serveEventChannel),
  [XenCallNumber.physdevOp]: row('physdev_op', 'cmd arg', serveNothing),
  [XenCallNumber.sysctl]: row('sysctl', 'arg', serveVersioned(toolsVersion)),
  [XenCallNumber.domctl]: row('domctl', 'arg', serveVersioned(toolsVersion)),
  [XenCallNumber.tmemOp]: row('tmem_op', 'op', serveNothing),
  [XenCallNumber.argoOp]: row('argo_op', 'cmd a1 a2 a3 a4', serveNothing),
  [XenCallNumber.xenpmuOp]: row('xenpmu_op', 'cmd arg', serveUnsupported),
  [XenCallNumber.dmOp]: row('dm_op', 'domain count buffers', serveDeviceModel),
};

/**
 * Sub-operations' and elements' bytes of a multicall in a 32-bit guest: op, result, six arguments.
 */
const multicallBytes = 32;
const multicallArguments = 6;
const multicallArgumentsAt = 8;
/** What each call of a list counts for, whatever it does. */
const multicallUnits = 8;

/** Makes the table of one kind of guest: the common calls, its own, and `multicall` over both. */
export function callTable(own: XenCallTable): XenCallTable {
  const table: Record<number, XenCallRow> = { ...commonCalls, ...own };
  table[XenCallNumber.multicall] = row('multicall', 'list count', (call) => multicall(table, call));
  return table;
}

/** The calls of a translated guest (HVM, PVH). */
export const hvmCalls: XenCallTable = callTable({
  [XenCallNumber.hvmOp]: row('hvm_op', 'op arg', serveHvm),
  [XenCallNumber.mmuextOp]: row('mmuext_op', 'operations count done domain', serveTranslated),
});

/** Serves a list of calls; each element gets its result. A call within may not be a multicall. */
function multicall(table: XenCallTable, call: XenCall): number {
  const [list, count] = [argument(call, 0), argument(call, 1)];
  const unfit = listError(call, list, count, multicallBytes);
  if (unfit !== 0) {
    return unfit;
  }
  for (let index = 0; index < count; index += 1) {
    const at = list + index * multicallBytes;
    if (isSpent(call, index, multicallUnits)) {
      return call.again([at, count - index]);
    }
    const words = call.copy.words(at, 2 + multicallArguments);
    if (words === undefined || !call.copy.canWrite(at + 4, 4)) {
      return -XenError.fault;
    }
    const [number = 0, , ...args] = words;
    const inner = within(call, at, args);
    const result = callWithin(table, number, inner.call);
    if (inner.rest.isLeft) {
      return call.again([at, count - index]);
    }
    call.copy.writeWords(at + 4, [result]);
    if (number === XenCallNumber.iret) {
      // The calls behind it are not those of whoever goes on, and EAX is as it left it (XSA-213).
      return result;
    }
  }
  return 0;
}

/** A call of the list; what it leaves for later is written where its arguments stand. */
function within(call: XenCall, at: number, args: readonly number[]) {
  const rest = { isLeft: false };
  const again = (later: readonly number[]): number => {
    rest.isLeft = true;
    call.copy.writeWords(at + multicallArgumentsAt, later);
    return 0;
  };
  return { rest, call: { ...call, args, again } };
}

function callWithin(table: XenCallTable, number: number, call: XenCall): number {
  if (number === XenCallNumber.multicall) {
    return -XenError.invalid;
  }
  return table[number]?.serve(call) ?? -XenError.noSuchCall;
}

/** Writes a call's arguments for a trace, as `cmd=0x1 arg=0xc100`. */
export function describeCall(found: XenCallRow, args: readonly number[]): string {
  return found.parameters
    .map((name, index) => `${name}=0x${((args[index] ?? 0) >>> 0).toString(16)}`)
    .join(' ');
}
