import { callTable, row } from '../calls.ts';
import type { XenCallRow, XenCallTable } from '../calls.ts';
import { XenCallNumber } from '../constants.ts';
import { serveEventChannelCompat } from '../ops/event-channel.ts';
import { servePrivileged } from '../ops/refused.ts';
import { serveSchedCompat } from '../ops/scheduling.ts';
import { callbackOp, nmiOp, setCallbacks } from './callbacks.ts';
import {
  fpuTaskswitch,
  getDebugreg,
  hvmOp,
  setDebugreg,
  setGdt,
  setTrapTable,
  stackSwitch,
  updateDescriptor,
} from './cpu-calls.ts';
import type { PvGuest, PvHandler } from './guest.ts';
import { physdevOp, physdevOpCompat } from './physdev.ts';
import { mmuExtended, mmuUpdate, updateVaMapping, updateVaMappingOther } from './memory-calls.ts';

/**
 * Returns the hypercalls of a paravirtual guest: the common ones and those below; `iret` is its
 * caller's.
 */
export function pvCalls(guest: PvGuest, iret: () => number): XenCallTable {
  const call = (name: string, parameters: string, handler: PvHandler): XenCallRow =>
    row(name, parameters, (one) => handler(guest, one));
  return callTable({
    [XenCallNumber.setTrapTable]: call('set_trap_table', 'traps', setTrapTable),
    [XenCallNumber.mmuUpdate]: call('mmu_update', 'requests count done domain', mmuUpdate),
    [XenCallNumber.setGdt]: call('set_gdt', 'frames entries', setGdt),
    [XenCallNumber.stackSwitch]: call('stack_switch', 'ss esp', stackSwitch),
    [XenCallNumber.setCallbacks]: call('set_callbacks', 'cs eip fcs feip', setCallbacks),
    [XenCallNumber.fpuTaskswitch]: call('fpu_taskswitch', 'set', fpuTaskswitch),
    [XenCallNumber.setDebugreg]: call('set_debugreg', 'register value', setDebugreg),
    [XenCallNumber.getDebugreg]: call('get_debugreg', 'register', getDebugreg),
    [XenCallNumber.updateDescriptor]: call(
      'update_descriptor',
      'address_lo address_hi value_lo value_hi',
      updateDescriptor,
    ),
    [XenCallNumber.updateVaMapping]: call(
      'update_va_mapping',
      'address value_lo value_hi flags',
      updateVaMapping,
    ),
    [XenCallNumber.updateVaMappingOtherDomain]: call(
      'update_va_mapping_otherdomain',
      'address value_lo value_hi flags domain',
      updateVaMappingOther,
    ),
    [XenCallNumber.schedOpCompat]: row('sched_op_compat', 'cmd arg', serveSchedCompat),
    [XenCallNumber.eventChannelOpCompat]: row(
      'event_channel_op_compat',
      'op',
      serveEventChannelCompat,
    ),
    [XenCallNumber.kexecOp]: row('kexec_op', 'op arg', servePrivileged),
    [XenCallNumber.iret]: call('iret', '', iret),
    [XenCallNumber.mmuextOp]: call('mmuext_op', 'operations count done domain', mmuExtended),
    [XenCallNumber.physdevOp]: call('physdev_op', 'cmd arg', physdevOp),
    [XenCallNumber.physdevOpCompat]: call('physdev_op_compat', 'op', physdevOpCompat),
    [XenCallNumber.callbackOp]: call('callback_op', 'cmd arg', callbackOp),
    [XenCallNumber.nmiOp]: call('nmi_op', 'cmd arg', nmiOp),
    [XenCallNumber.hvmOp]: call('hvm_op', 'op arg', hvmOp),
  });
}
