import {
  type Machine,
  type ScreenCells,
  type Settings,
  codePage437,
  needsFirmware,
} from '@ringfence/machine';
import type { ConsoleStreams, OutputStream } from './console-streams.ts';
import { nodeHost } from './node-host.ts';

/** How often the screen is looked at. */
const PERIOD_MS = 40;
/** The least time between two bells. */
const BELL_MS = 300;
const ESCAPE = '\u001b[';
/** Colours of a terminal (ECMA-48, SGR) by those of a PC: blue and red change places. */
const COLOURS = [0, 4, 2, 6, 1, 5, 3, 7];

/**
 * Whether the screen is drawn in the terminal: there is one, nothing asks for a serial port there,
 * and what is booted speaks to the screen.
 */
export function drawsScreen(settings: Settings, { stdout, stdin }: ConsoleStreams): boolean {
  const { kernel, append, nographic, serial } = settings;
  const speaks =
    kernel === undefined ? needsFirmware(settings) : !/\bconsole=(ttyS|hvc)/.test(append);
  const isTerminal = stdout.isTTY === true && stdin.isTTY === true;
  return isTerminal && !nographic && serial.length === 0 && speaks;
}

/** Draws the text screen of a machine in a terminal, row by row as rows change. */
export class ScreenTerminal {
  readonly #machine: Machine;
  readonly #stdout: OutputStream;
  #revision = -1;
  #rows: string[] = [];
  #cancel: (() => void) | undefined;
  #rungMs = -Infinity;

  constructor(machine: Machine, stdout: OutputStream) {
    this.#machine = machine;
    this.#stdout = stdout;
  }

  /** Takes the terminal over; returns what gives it back, with the last text on it. */
  start(): () => void {
    this.#stdout.write(`${ESCAPE}?1049h${ESCAPE}2J`);
    this.#look();
    const unhear = this.#machine.on('sound', (event) => {
      if (event.kind === 'tone' && event.hertz > 0) this.#ring();
    });
    return () => {
      unhear();
      this.#cancel?.();
      const text = this.#machine.screen.text().trimEnd().replaceAll('\n', '\r\n');
      this.#stdout.write(
        `${ESCAPE}0m${ESCAPE}?25h${ESCAPE}?1049l${text}${text === '' ? '' : '\r\n'}`,
      );
    };
  }

  /** Draws everything anew, after something else wrote to the terminal. */
  redraw(): void {
    this.#rows = [];
    this.#revision = -1;
  }

  /** The terminal's bell stands for any tone; a melody would be a bell for each note. */
  #ring(): void {
    const nowMs = nodeHost.monotonicMs();
    if (nowMs - this.#rungMs < BELL_MS) return;
    this.#rungMs = nowMs;
    this.#stdout.write('\u0007');
  }

  #look(): void {
    const { screen } = this.#machine;
    const { revision } = screen;
    if (revision !== this.#revision) {
      this.#revision = revision;
      this.#draw(screen.cells());
    }
    this.#cancel = nodeHost.setTimer(() => this.#look(), PERIOD_MS);
  }

  #draw(cells: ScreenCells | undefined): void {
    const rows = cells === undefined ? [this.#graphics()] : rowsOf(cells);
    let output = '';
    for (const [index, row] of rows.entries()) {
      if (this.#rows[index] === row) continue;
      output += `${ESCAPE}${index + 1};1H${row}${ESCAPE}0m${ESCAPE}K`;
    }
    if (rows.length < this.#rows.length) output += `${ESCAPE}${rows.length + 1};1H${ESCAPE}J`;
    this.#rows = rows;
    const cursor = cells?.cursor;
    output +=
      cursor?.visible === true
        ? `${ESCAPE}${cursor.row + 1};${cursor.column + 1}H${ESCAPE}?25h`
        : `${ESCAPE}?25l`;
    this.#stdout.write(output);
  }

  #graphics(): string {
    const { width, height } = this.#machine.screen.image();
    return `[graphics, ${width} by ${height}; Ctrl-A p writes a picture]`;
  }
}

/** Each row as text with colours; blanks at its end stay, as they may have a colour. */
function rowsOf({ columns, rows, cells, blinks }: ScreenCells): string[] {
  return Array.from({ length: rows }, (_, row) => {
    let text = '';
    let before = -1;
    for (const cell of cells.subarray(row * columns, (row + 1) * columns)) {
      const attribute = cell >> 8;
      if (attribute !== before) text += style(attribute, blinks);
      before = attribute;
      text += codePage437[cell & 0xff] ?? ' ';
    }
    return text;
  });
}

function style(attribute: number, blinks: boolean): string {
  const ink = COLOURS[attribute & 7] ?? 7;
  const paper = COLOURS[(attribute >> 4) & 7] ?? 0;
  const high = (attribute & 0x80) !== 0;
  const codes = [
    0,
    (attribute & 8) !== 0 ? 90 + ink : 30 + ink,
    (high && !blinks ? 100 : 40) + paper,
  ];
  if (high && blinks) codes.push(5);
  return `${ESCAPE}${codes.join(';')}m`;
}
