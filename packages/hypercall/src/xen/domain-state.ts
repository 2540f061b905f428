/**
 * A Xen guest's state as plain numbers, for snapshots. What stands in guest memory (events, grants,
 * rings) is saved with it.
 */
import { HypercallError } from '../error.ts';
import type { AbiState } from '../interfaces.ts';
import type { XenDomain } from './domain.ts';
import type { PortState } from './event-channels.ts';
import { GrantMapFlag } from './mapped-grants.ts';
import { fromText, toText } from './io/store/wire.ts';

type Fields = AbiState['fields'];

const kinds = ['unbound', 'backend', 'loop', 'virq', 'ipi'] as const;

/** Returns the fields of a guest. */
export function saveDomain(domain: XenDomain): Fields {
  const [oneShotAt, periodNs] = domain.timerState;
  return {
    vcpuInfo: domain.shared.isMoved ? domain.shared.vcpu : 0,
    wordBytes: domain.shared.layout.wordBytes,
    ports: domain.events.inUse.flatMap(([port, state]) => [port, ...portFields(state)]),
    queues: domain.events.saveQueues(),
    placed: domain.placed.list.flat(),
    grants: [domain.grants.version, domain.grants.frames],
    mappedGrants: domain.mapped.save(),
    placedGrants: domain.placedGrants.save(),
    backEndPorts: [domain.storePort, domain.consolePort],
    upcall: domain.upcalls.save(),
    params: [...domain.params].flatMap(([index, { low, high }]) => [index, low, high]),
    assists: domain.assists,
    cpuidFaulting: domain.cpuidFaulting ? 1 : 0,
    timers: [oneShotAt, periodNs],
    watchdogs: domain.watchdogs.save(),
    runstate: domain.runstate.save(),
    areas: [domain.runstateArea, domain.timeArea],
    ...Object.fromEntries(
      [...domain.saved].map(([name, saved]) => [`text-${name}`, [...fromText(saved.save())]]),
    ),
  };
}

/**
 * Sets a guest's fields; memory is restored already, and back ends connect again as the guest's
 * rings say.
 *
 * @throws HypercallError with code `bad-state`.
 */
export function restoreDomain(domain: XenDomain, fields: Fields): void {
  const list = savedList(fields);
  const number = (name: string): number => {
    const value = fields[name];
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new HypercallError('bad-state', `xen state: field ${name}: expected a number`);
    }
    return value;
  };
  const ports = list('ports', 0);
  const placed = list('placed', 0);
  const [version = 1, frames = 1] = list('grants', 2);
  const [storePort = 0, consolePort = 0] = list('backEndPorts', 2);
  const params = list('params', 0);
  const [oneShotAt = 0, periodNs = 0] = list('timers', 2);
  const [vcpuInfo, wordBytes, assists] = [
    number('vcpuInfo'),
    number('wordBytes'),
    number('assists'),
  ];
  domain.events.reset();
  for (let index = 0; index + 2 < ports.length; index += 3) {
    const state = portState(ports[index + 1] ?? 0, ports[index + 2] ?? 0);
    domain.events.put(ports[index] ?? 0, state);
  }
  domain.events.restoreQueues(list('queues', 0));
  for (let index = 0; index + 1 < placed.length; index += 2) {
    domain.place(placed[index + 1] ?? 0, placed[index] ?? 0);
  }
  domain.grants.restore(version === 2 ? 2 : 1, frames);
  for (const { reference, frame, flags } of domain.mapped.restore(list('mappedGrants', 0))) {
    domain.grants.adopt(reference, frame, (flags & GrantMapFlag.readOnly) === 0);
  }
  domain.placedGrants.restore(list('placedGrants', 0));
  domain.setWordBytes(wordBytes === 8 ? 8 : 4);
  if (vcpuInfo !== 0) {
    domain.shared.restoreVcpu(vcpuInfo);
  }
  domain.holdOwnFrames();
  domain.storePort = storePort;
  domain.consolePort = consolePort;
  domain.upcalls.restore(list('upcall', 3));
  for (let index = 0; index + 2 < params.length; index += 3) {
    const [low = 0, high = 0] = params.slice(index + 1);
    domain.params.set(params[index] ?? 0, { low, high });
  }
  domain.assists = assists;
  domain.cpuidFaulting = fields['cpuidFaulting'] === 1;
  domain.setTimer(oneShotAt);
  domain.watchdogs.restore(list('watchdogs', 0));
  domain.runstate.restore(list('runstate', 0));
  [domain.runstateArea = 0, domain.timeArea = 0] = list('areas', 2);
  domain.setPeriod(periodNs);
  for (const [name, saved] of domain.saved) {
    saved.restore(toText(Uint8Array.from(list(`text-${name}`, 0))));
  }
}

/** Returns the fields of a saved state of an interface; throws HypercallError for another's. */
export function savedFields(state: unknown, abi: string): Fields {
  const isState = typeof state === 'object' && state !== null && 'fields' in state;
  const saved = isState ? (state as AbiState) : undefined;
  if (saved?.abi !== abi || saved.version !== 1) {
    throw new HypercallError('bad-state', `state: expected one of "${abi}", found another`);
  }
  return saved.fields;
}

/** Returns a reader of lists of at least so many numbers; it throws HypercallError for others. */
export function savedList(fields: Fields): (name: string, least?: number) => readonly number[] {
  return (name, least = 0) => {
    const value = fields[name];
    if (!Array.isArray(value) || value.length < least || !value.every(Number.isFinite)) {
      throw new HypercallError('bad-state', `xen state: field ${name}: expected numbers`);
    }
    return value as readonly number[];
  };
}

function portFields(state: PortState): readonly [number, number] {
  const kind = kinds.findIndex((name) => name === state.kind);
  switch (state.kind) {
    case 'unbound':
      return [kind, state.remote];
    case 'loop':
      return [kind, state.port];
    case 'virq':
      return [kind, state.virq];
    default:
      return [kind, 0];
  }
}

/** A port of a back end waits until the back end connects again. */
function portState(kind: number, detail: number): PortState {
  switch (kinds[kind]) {
    case 'loop':
      return { kind: 'loop', port: detail };
    case 'virq':
      return { kind: 'virq', virq: detail };
    case 'ipi':
      return { kind: 'ipi' };
    default:
      return { kind: 'unbound', remote: kinds[kind] === 'unbound' ? detail : 0 };
  }
}
