import type { CallLog } from '../../call-log.ts';
import type { XenDomain } from '../domain.ts';
import type { XenAddressSpace } from '../interfaces.ts';
import type { ExtendedState, PvProcessor } from './guest.ts';
import type { DebugRegisters } from './guest-debug.ts';
import type { PageInfo } from './page-info.ts';

/** What makes the interface of a paravirtual guest. */
export interface XenPvOptions {
  readonly domain: XenDomain;
  /** The address space that the processor is in. */
  readonly space: XenAddressSpace;
  readonly log: CallLog;
  /** Types and uses of the machine's pages, empty. */
  readonly info: PageInfo;
  /** Physical address of Xen's pages. */
  readonly frames: number;
  /** The first machine frame of the guest. */
  readonly firstFrame: number;
  /** Returns CR2 of the processor. */
  readonly cr2: () => number;
  /** The processor's debug registers; without them breakpoints do not fire. */
  readonly debug?: DebugRegisters;
  /** The processor's maker and registers; without it, it has none of its own. */
  readonly processor?: PvProcessor;
  /** The processor's extended state; without it there is none. */
  readonly extendedState?: ExtendedState;
  /** The selector in a segment register of the processor, by the manual's number. */
  readonly selector?: (register: number) => number;
  /** Loads a null selector into a segment register of the processor. */
  readonly clearSegment?: (register: number) => void;
  /** Whether the processor knows pages without execution; the default is that it does not. */
  readonly noExecute?: () => boolean;
}
