/**
 * The interrupt controllers of a PC: the 8259 pair, and beside it an I/O APIC with the processor's
 * local APIC.
 *
 *     ISA request n -> 8259s -> LINT0 of the local APIC -> processor
 *                  \-> I/O APIC, pin n (request 0: pin 2) -> local APIC -> processor
 *
 * Both see every request, and the guest masks those that it does not want; PCI requests arrive as
 * ISA requests, through the ISA bridge's routing.
 */
import { IoApic, ioApicAddress, LocalApic, Pic8259Pair } from '@ringfence/devices';
import type { ApicBus, ApicMessage, EoiAssist, IrqLine, TscSource } from '@ringfence/devices';
import type { MmioHandler, PhysicalMemory, Region } from '@ringfence/memory';

import type { Board } from './board.ts';

/** The processor, as interrupt controllers see it. */
export interface Processor {
  /** Its INTR pin. */
  readonly interrupt: IrqLine;
  /** Whether it has a local APIC; without one the 8259s drive INTR, and the I/O APIC nothing. */
  readonly hasApic: boolean;
  /** Whether its local APIC has x2APIC mode. */
  readonly x2Apic?: boolean;
  /** Its time-stamp counter, if the local APIC's timer may compare it. */
  readonly tsc?: TscSource;
  /** A way to end interrupts without a write to the local APIC. */
  readonly eoiAssist?: EoiAssist;
  /** Gives it a non-maskable interrupt. */
  raiseNmi(): void;
  /** Gives it an INIT. */
  raiseInit(): void;
}

/** The identifiers of the APICs, as the MADT tells them. */
export const apicIds = { processor: 0, ioApic: 1 } as const;

/** The pin of the I/O APIC at which ISA request 0 arrives. */
export const timerPin = 2;

const pageBytes = 4096;

/** The interrupt controllers of one machine. */
export class InterruptControllers {
  readonly pic: Pic8259Pair;
  readonly ioApic: IoApic;
  readonly localApic: LocalApic | undefined;

  /** Makes them and puts them on a board. */
  constructor(board: Board, processor: Processor) {
    const later: { apic?: LocalApic | undefined } = {};
    const { hasApic, interrupt } = processor;
    const lint0 = { set: (level: boolean) => later.apic?.pin(0).set(level) };
    this.pic = board.own('pic', new Pic8259Pair({ interrupt: hasApic ? lint0 : interrupt }));
    const bus = { deliver: (message: ApicMessage) => later.apic?.receive(message) ?? false };
    this.ioApic = board.own('io-apic', new IoApic({ id: apicIds.ioApic, bus }));
    board.memory.mapMmio(ioApicAddress, pageBytes, this.ioApic);
    this.localApic = hasApic ? this.#addLocalApic(board, processor, bus) : undefined;
    later.apic = this.localApic;
  }

  /** Returns the wire of an ISA request. */
  isaLine(irq: number): IrqLine {
    const toPic = this.pic.irqLine(irq);
    const toApic = this.ioApic.pin(irq === 0 ? timerPin : irq);
    return {
      set: (level) => {
        toPic.set(level);
        toApic.set(level);
      },
    };
  }

  /** Returns the wire of the board's non-maskable interrupt. */
  nmiLine(processor: Processor): IrqLine {
    if (this.localApic !== undefined) {
      return this.localApic.pin(1);
    }
    let level = false;
    return {
      set: (next) => {
        const rises = next && !level;
        level = next;
        if (rises) {
          processor.raiseNmi();
        }
      },
    };
  }

  /** Answers the processor's interrupt acknowledge with a vector. */
  acknowledge(): number {
    return (this.localApic ?? this.pic).acknowledge();
  }

  #addLocalApic(board: Board, processor: Processor, bus: ApicBus): LocalApic {
    const { tsc, eoiAssist, interrupt, x2Apic = false } = processor;
    const page = new MovablePage(board.memory);
    const localApic = new LocalApic({
      id: apicIds.processor,
      x2Apic,
      clock: board.clock,
      timers: board.timers,
      interrupt,
      raiseNmi: () => {
        processor.raiseNmi();
      },
      raiseInit: () => {
        processor.raiseInit();
      },
      external: this.pic,
      bus,
      endOfInterrupt: (vector) => {
        this.ioApic.endOfInterrupt(vector);
      },
      moved: (address) => {
        page.move(address);
      },
      ...(tsc === undefined ? {} : { tsc }),
      ...(eoiAssist === undefined ? {} : { eoiAssist }),
    });
    page.show(localApic);
    return board.own('local-apic', localApic);
  }
}

/**
 * A page of registers that the guest can move.
 *
 * It hides what stands there, as the processor's own registers do, and shows it again when it
 * leaves. Where something else was mapped in the meantime (a PCI function that was moved over it),
 * that stays.
 */
class MovablePage {
  readonly #memory: PhysicalMemory;
  #handler: MmioHandler | undefined;
  #address: number | undefined;
  #hidden: Region = {};

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  /** Says whose registers the page holds. */
  show(handler: MmioHandler): void {
    this.#handler = handler;
    const address = this.#address;
    this.#address = undefined;
    this.move(address);
  }

  /** Moves the page, or takes it away. */
  move(address: number | undefined): void {
    const before = this.#address;
    const handler = this.#handler;
    this.#address = address;
    if (address === before || handler === undefined) {
      return;
    }
    if (before !== undefined && this.#memory.region(before / pageBytes).handler === handler) {
      this.#memory.map(before, pageBytes, this.#hidden);
    }
    if (address !== undefined) {
      this.#hidden = this.#memory.region(address / pageBytes);
      this.#memory.mapMmio(address, pageBytes, handler);
    }
  }
}
