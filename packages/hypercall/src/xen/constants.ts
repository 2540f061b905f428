/**
 * Numbers of the Xen interface (Xen 4.17, xen/include/public/xen.h and the headers beside it).
 */

/** Error numbers, returned negative in EAX (public/errno.h). */
export const XenError = {
  notPermitted: 1,
  noEntry: 2,
  noDomain: 3,
  io: 5,
  noAddress: 6,
  tooBig: 7,
  again: 11,
  noMemory: 12,
  access: 13,
  fault: 14,
  busy: 16,
  exists: 17,
  noDevice: 19,
  invalid: 22,
  noSpace: 28,
  domain: 33,
  range: 34,
  noSuchCall: 38,
  sequence: 84,
  notSupported: 95,
} as const;

/**
 * Domain numbers: the guest's, the one of the back ends, and the reserved ones (xen.h, DOMID_*).
 */
export const DomainId = {
  backend: 0,
  guest: 1,
  firstReserved: 0x7ff0,
  self: 0x7ff0,
  io: 0x7ff1,
  xen: 0x7ff2,
} as const;

/** Hypercall numbers (xen.h, __HYPERVISOR_*). */
export const XenCallNumber = {
  setTrapTable: 0,
  mmuUpdate: 1,
  setGdt: 2,
  stackSwitch: 3,
  setCallbacks: 4,
  fpuTaskswitch: 5,
  schedOpCompat: 6,
  platformOp: 7,
  setDebugreg: 8,
  getDebugreg: 9,
  updateDescriptor: 10,
  memoryOp: 12,
  multicall: 13,
  updateVaMapping: 14,
  setTimerOp: 15,
  eventChannelOpCompat: 16,
  xenVersion: 17,
  consoleIo: 18,
  physdevOpCompat: 19,
  grantTableOp: 20,
  vmAssist: 21,
  updateVaMappingOtherDomain: 22,
  iret: 23,
  vcpuOp: 24,
  setSegmentBase: 25,
  mmuextOp: 26,
  xsmOp: 27,
  nmiOp: 28,
  schedOp: 29,
  callbackOp: 30,
  xenoprofOp: 31,
  eventChannelOp: 32,
  physdevOp: 33,
  hvmOp: 34,
  sysctl: 35,
  domctl: 36,
  kexecOp: 37,
  tmemOp: 38,
  argoOp: 39,
  xenpmuOp: 40,
  dmOp: 41,
} as const;

/** Virtual interrupts of a guest (xen.h, VIRQ_*). */
export const Virq = { timer: 0, debug: 1, lastGlobal: 23 } as const;

/** Interrupts of devices that a guest could be given, and this one is not (PIRQs). */
export const pirqs = 56;
/** Below this their numbers are those of pins of interrupt controllers. */
export const pirqsOfPins = 24;
/** Below this, those of the ISA bus, which are never given. */
export const pirqsOfIsa = 16;

/** HVM parameters that guests read or write (public/hvm/params.h). */
export const HvmParam = {
  callbackIrq: 0,
  storePfn: 1,
  storeEventChannel: 2,
  paeEnabled: 4,
  ioReqPfn: 5,
  consolePfn: 17,
  consoleEventChannel: 18,
  alternateMaps: 35,
  maximum: 38,
} as const;

/** Features that a guest is told of (public/features.h, XENFEAT_*). */
export const XenFeature = {
  writablePageTables: 0,
  writableDescriptorTables: 1,
  autoTranslatedPhysmap: 2,
  supervisorModeKernel: 3,
  paePgdirAbove4gb: 4,
  mmuPtUpdatePreserveAd: 5,
  highMemAssist: 6,
  gnttabMapAvailBits: 7,
  hvmCallbackVector: 8,
  hvmSafePvclock: 9,
  hvmPirqs: 10,
  dom0: 11,
  memoryOpVnode: 13,
} as const;

/** `vm_assist` types (xen.h, VMASST_TYPE_*). */
export const Assist = {
  writableTables: 2,
  paeExtendedCr3: 3,
  architecturalIopl: 4,
  runstateUpdates: 5,
} as const;

/** What Xen calls itself: 4.17.0. */
export const xenMajor = 4;
/** The minor part of the version. */
export const xenMinor = 17;
/** The rest of the version (XENVER_extraversion). */
export const xenExtraVersion: string = '.0-ringfence';

/** Where a 32-bit paravirtual guest's table of machine frames begins. */
export const machineToPhysicalStart = 0xf580_0000;
