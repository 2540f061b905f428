/** Which local APICs a message is for (SDM 3A, 10.6.2 and 10.12.10). */
import type { ApicMessage } from './message.ts';
import type { LocalApicState } from './state.ts';

const flat = 0xf;

/** Whether a message is for the APIC with these registers. */
export function matchesDestination(
  state: LocalApicState,
  x2Mode: boolean,
  message: ApicMessage,
): boolean {
  const { destination, logical } = message;
  if (x2Mode) {
    // A broadcast of the 8 bits that an I/O APIC has is one too.
    if (destination === 0xffff_ffff || destination === 0xff) {
      return true;
    }
    if (!logical) {
      return destination === state.id;
    }
    const cluster = state.logicalDestination >>> 16;
    const sameCluster = destination >>> 16 === cluster;
    return sameCluster && (destination & state.logicalDestination & 0xffff) !== 0;
  }
  if (destination === 0xff) {
    return true;
  }
  if (!logical) {
    return destination === (state.id & 0xff);
  }
  const own = state.logicalDestination >>> 24;
  if (state.destinationFormat >>> 28 === flat) {
    return (own & destination) !== 0;
  }
  return own >> 4 === destination >> 4 && (own & destination & 0x0f) !== 0;
}
