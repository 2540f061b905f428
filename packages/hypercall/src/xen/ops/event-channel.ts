import { DomainId, pirqs, Virq, XenError } from '../constants.ts';
import { linkBits } from '../event-queues.ts';
import { argument, domainError, isSelf, ownWords } from './call.ts';
import type { XenCall, XenHandler } from './call.ts';

/** Sub-operations (public/event_channel.h, EVTCHNOP_*). */
const Op = {
  bindInterdomain: 0,
  bindVirq: 1,
  bindPirq: 2,
  close: 3,
  send: 4,
  status: 5,
  allocUnbound: 6,
  bindIpi: 7,
  bindVcpu: 8,
  unmask: 9,
  reset: 10,
  initControl: 11,
  expandArray: 12,
  setPriority: 13,
  resetContinued: 14,
} as const;

/** Words of the argument structure, and the index of the word that the call fills in. */
const shapes: Readonly<Record<number, readonly [words: number, filled: number]>> = {
  [Op.bindInterdomain]: [3, 2],
  [Op.bindVirq]: [3, 2],
  [Op.bindPirq]: [3, 2],
  [Op.close]: [1, -1],
  [Op.send]: [1, -1],
  [Op.allocUnbound]: [2, 1],
  [Op.bindIpi]: [2, 1],
  [Op.bindVcpu]: [2, -1],
  [Op.unmask]: [1, -1],
  [Op.reset]: [1, -1],
  [Op.initControl]: [6, 4],
  [Op.expandArray]: [2, -1],
  [Op.setPriority]: [2, -1],
  [Op.resetContinued]: [1, -1],
};

/** `event_channel_op`: binds, sends on, closes and unmasks event channels. */
export const serveEventChannel: XenHandler = (call) =>
  serve(call, argument(call, 0), argument(call, 1));

/** The first form of the call, with the sub-operation in front of its argument. */
export const serveEventChannelCompat: XenHandler = (call) => {
  const head = call.copy.words(argument(call, 0), 1);
  return head === undefined ? -XenError.fault : serve(call, head[0] ?? 0, argument(call, 0) + 4);
};

function serve(call: XenCall, op: number, at: number): number {
  if (op === Op.status) {
    return status(call, at);
  }
  const shape = shapes[op];
  if (shape === undefined) {
    return -XenError.noSuchCall;
  }
  const [count, filled] = shape;
  const words = call.copy.words(at, count);
  if (words === undefined || (filled >= 0 && !call.copy.canWrite(at, count * 4))) {
    return -XenError.fault;
  }
  const result = perform(call, op, words);
  if (filled < 0 || result < 0) {
    return result;
  }
  words[filled] = result;
  return call.copy.writeWords(at, words) ? 0 : -XenError.fault;
}

/** Returns 0, or the port that was made, or a negative error. */
function perform(call: XenCall, op: number, words: readonly number[]): number {
  const { events } = call.domain;
  const [first = 0, second = 0] = words;
  switch (op) {
    case Op.bindInterdomain:
      return bindInterdomain(call, first & 0xffff, second);
    case Op.bindVirq:
      return bindVirq(call, first, second);
    case Op.bindPirq:
      return call.domain.kind === 'pv' && first < pirqs
        ? -XenError.notPermitted
        : -XenError.invalid;
    case Op.close:
      return events.close(first);
    case Op.send:
      return events.send(first);
    case Op.allocUnbound:
      return allocate(call, first & 0xffff, first >>> 16);
    case Op.bindIpi:
      return first === 0 ? events.allocate({ kind: 'ipi' }) : -XenError.noEntry;
    case Op.bindVcpu:
      return bindVcpu(call, first, second);
    case Op.unmask:
      return events.unmask(first);
    case Op.initControl:
      return initControl(call, words);
    case Op.expandArray:
      return second === 0 ? events.addQueuePage(first) : -XenError.invalid;
    case Op.setPriority:
      return events.setPriority(first, second);
    case Op.resetContinued:
      // A reset is never interrupted here: none is there to be continued.
      return domainError(first & 0xffff) || -XenError.busy;
    default:
      return resetAll(call, first & 0xffff);
  }
}

/** The other domain has made no port for the guest. */
function bindInterdomain(call: XenCall, remote: number, port: number): number {
  if (isSelf(remote)) {
    return call.domain.events.bindLoop(port);
  }
  return remote === DomainId.backend ? -XenError.invalid : -XenError.noDomain;
}

function bindVirq(call: XenCall, virq: number, vcpu: number): number {
  const isKnown = virq <= Virq.lastGlobal && (vcpu === 0 || perCpuVirqs.has(virq));
  if (!isKnown) {
    return -XenError.invalid;
  }
  return vcpu === 0 ? call.domain.events.bindVirq(virq) : -XenError.noEntry;
}

function allocate(call: XenCall, domain: number, remote: number): number {
  const stranger = domainError(domain);
  if (stranger !== 0) {
    return stranger;
  }
  // Whether there is such a domain shows when it binds to the port.
  const other = isSelf(remote) ? DomainId.guest : remote;
  return call.domain.events.allocate({ kind: 'unbound', remote: other });
}

/** gfn (64), offset, vcpu, and bits of a link, which are filled in with padding kept. */
function initControl(call: XenCall, words: readonly number[]): number {
  const [frame = 0, high = 0, offset = 0, vcpu = 0, linkBitsAndPadding = 0] = words;
  if (vcpu !== 0) {
    return -XenError.noEntry;
  }
  if (high !== 0) {
    return -XenError.invalid;
  }
  const result = call.domain.events.beginQueues(frame, offset);
  return result === 0 ? ((linkBitsAndPadding & 0xffff_ff00) | linkBits) >>> 0 : result;
}

/** Virtual interrupts of one CPU: timer, debug, profiling, PMU (xen.h, VIRQ_*). */
const perCpuVirqs: ReadonlySet<number> = new Set([0, 1, 7, 13]);

function bindVcpu(call: XenCall, port: number, vcpu: number): number {
  const state = call.domain.events.at(port);
  if (vcpu !== 0) {
    return -XenError.noEntry;
  }
  const isFixed = state.kind === 'virq' && perCpuVirqs.has(state.virq);
  return state.kind === 'free' || state.kind === 'ipi' || isFixed ? -XenError.invalid : 0;
}

function resetAll(call: XenCall, domain: number): number {
  const stranger = domainError(domain);
  if (stranger !== 0) {
    return stranger;
  }
  const { events } = call.domain;
  for (const [port] of events.inUse) {
    events.close(port);
  }
  events.endQueues();
  return 0;
}

/** Numbers of states in `evtchn_status` (EVTCHNSTAT_*). */
const Status = { closed: 0, unbound: 1, interdomain: 2, virq: 4, ipi: 5 } as const;

/** dom u16, port u32, status u32, vcpu u32, then what the state has. */
function status(call: XenCall, at: number): number {
  const words = ownWords(call, at, 2);
  if (typeof words === 'number') {
    return words;
  }
  const [domain = 0, port = 0] = words;
  if (!call.domain.events.isPort(port)) {
    return -XenError.invalid;
  }
  const state = call.domain.events.at(port);
  const answer = ((): readonly [number, number, number] => {
    switch (state.kind) {
      case 'free':
        return [Status.closed, 0, 0];
      case 'unbound':
        return [Status.unbound, state.remote, 0];
      case 'backend':
        return [Status.interdomain, DomainId.backend, 1];
      case 'loop':
        return [Status.interdomain, DomainId.guest, state.port];
      case 'virq':
        return [Status.virq, state.virq, 0];
      case 'ipi':
        return [Status.ipi, 0, 0];
    }
  })();
  const [number, third, fourth] = answer;
  const filled = [domain, port, number, 0, third, fourth];
  return call.copy.writeWords(at, filled) ? 0 : -XenError.fault;
}
