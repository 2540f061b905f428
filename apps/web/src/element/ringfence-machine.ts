/**
 * The element `<ringfence-machine>`: a PC with its screen, its serial line and what runs it.
 */
import terminalStyles from '@xterm/xterm/css/xterm.css?inline';
import { html, LitElement, unsafeCSS } from 'lit';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { Monitor, Pause, Play, RotateCcw, SquareTerminal } from 'lucide';
import type { MachineEnd, MachineState, MachineStats, Settings } from '@ringfence/machine';
import { defaultSettings } from '@ringfence/machine';

import { MachineClient } from '../machine-client.ts';
import type { FileSource, FromWorker, MachineFiles } from '../worker/messages.ts';
import { icon } from './icon.ts';
import { machineStyles } from './machine-styles.ts';
import { SerialView } from './serial-view.ts';
import { theme } from './theme.ts';

/** Which part of the machine is shown. */
export type MachineView = 'serial' | 'screen';

/** How often counters are read while the machine runs, in milliseconds. */
const statsMs = 1000;

/** The custom element; see README.md for its attributes, methods and events. */
export class RingfenceMachine extends LitElement {
  static override styles: CSSResultGroup = [theme, unsafeCSS(terminalStyles), machineStyles];
  readonly #client = new MachineClient((event) => {
    this.#hear(event);
  });
  readonly #serial = new SerialView('Serial port 0', (bytes) => {
    this.#client.send({ kind: 'serial', port: 0, bytes });
  });
  #state: MachineState | 'none' | 'loading' = 'none';
  #view: MachineView = 'serial';
  #notice = '';
  #rate = '';
  #last: MachineStats | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** What the machine is doing. */
  get state(): MachineState | 'none' | 'loading' {
    return this.#state;
  }

  /** The text that the terminal of serial port 0 holds. */
  get serialText(): string {
    return this.#serial.text();
  }

  /** Makes a machine and starts it. */
  async boot(
    settings: Settings = defaultSettings,
    files: MachineFiles = {},
    snapshot?: FileSource,
  ): Promise<void> {
    this.#setState('loading');
    this.#notice = '';
    this.#last = undefined;
    this.#serial.clear();
    try {
      const request = { settings, files, ...(snapshot === undefined ? {} : { snapshot }) };
      await this.#client.create(request);
      this.start();
    } catch (error) {
      this.#setState('none');
      this.#say(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** Lets the machine run, or go on. */
  start(): void {
    this.#client.send({ kind: 'start' });
  }

  /** Lets the machine stand still. */
  pause(): void {
    this.#client.send({ kind: 'pause' });
  }

  /** Presses the reset button. */
  reset(): void {
    this.#client.send({ kind: 'reset' });
  }

  /** Returns the machine's state as a file. */
  snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#client.call('snapshot', null);
  }

  /** Returns the machine's counters. */
  stats(): Promise<MachineStats> {
    return this.#client.stats();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => {
      void this.#readStats();
    }, statsMs);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override firstUpdated(): void {
    const container = this.renderRoot.querySelector<HTMLElement>('#serial .terminal');
    if (container !== null) this.#serial.open(container);
  }

  override render(): TemplateResult {
    const isRunning = this.#state === 'running' || this.#state === 'halted';
    const isThere = isRunning || this.#state === 'paused';
    return html`
      <div class="toolbar" role="toolbar" aria-label="Machine">
        <button
          class="primary"
          ?disabled=${!isThere}
          @click=${() => (isRunning ? this.pause() : this.start())}
        >
          ${isRunning ? html`${icon(Pause)} Pause` : html`${icon(Play)} Run`}
        </button>
        <button ?disabled=${!isThere} @click=${() => this.reset()}>${icon(RotateCcw)} Reset</button>
        <div class="tabs" role="tablist" aria-label="View">
          ${this.#tab('serial', 'Serial', icon(SquareTerminal))}
          ${this.#tab('screen', 'Screen', icon(Monitor))}
        </div>
        <span class="status" role="status">
          <span class="dot ${this.#state}"></span>${stateNames[this.#state]}
          <span class="quiet">${this.#rate}</span>
        </span>
        <slot name="tools"></slot>
      </div>
      <div class="notice" role="alert" ?hidden=${this.#notice === ''}>${this.#notice}</div>
      <div class="views">
        <div id="serial" role="tabpanel" aria-label="Serial" ?hidden=${this.#view !== 'serial'}>
          <div class="terminal"></div>
        </div>
      </div>
    `;
  }

  #tab(view: MachineView, label: string, picture: TemplateResult): TemplateResult {
    return html`<button
      role="tab"
      aria-selected=${this.#view === view}
      aria-controls=${view}
      @click=${() => {
        this.#view = view;
        this.requestUpdate();
      }}
    >
      ${picture} ${label}
    </button>`;
  }

  #hear(event: Exclude<FromWorker, { kind: 'answer' | 'refusal' }>): void {
    switch (event.kind) {
      case 'serial':
        if (event.port === 0) this.#serial.write(event.bytes);
        break;
      case 'state':
        this.#setState(event.state);
        break;
      case 'end':
        this.#say(endNames(event.end));
        break;
      case 'progress':
        this.#rate = progressText(event);
        this.requestUpdate();
        break;
      case 'screen':
        break;
    }
  }

  #setState(state: RingfenceMachine['state']): void {
    this.#state = state;
    this.#rate = '';
    this.dispatchEvent(new CustomEvent('ringfence-state', { detail: state }));
    this.requestUpdate();
  }

  #say(text: string): void {
    this.#notice = text;
    this.requestUpdate();
  }

  async #readStats(): Promise<void> {
    if (this.#state !== 'running') return;
    const stats = await this.#client.stats();
    const before = this.#last;
    this.#last = stats;
    if (before === undefined) return;
    const seconds = stats.seconds.total - before.seconds.total;
    const rate = (stats.instructions.total - before.instructions.total) / seconds / 1e6;
    this.#rate = `${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} million instructions/s`;
    this.requestUpdate();
  }
}

const stateNames = {
  none: 'Off',
  loading: 'Loading',
  paused: 'Paused',
  running: 'Running',
  halted: 'Halted',
  ended: 'Ended',
  disposed: 'Off',
} as const;

function endNames(end: MachineEnd): string {
  switch (end.reason) {
    case 'poweroff':
      return 'The guest switched the power off.';
    case 'reset':
      return 'The guest reset the machine.';
    case 'triple-fault':
      return `Triple fault at ${end.where}.`;
    case 'debug-exit':
      return `The guest left with status ${String(end.status)}.`;
    case 'disposed':
      return '';
  }
}

function progressText({ what, done, of }: { what: string; done: number; of: number }): string {
  const share = of === 0 ? '' : ` ${String(Math.floor((100 * done) / of))} %`;
  return `${what}: ${(done / 1e6).toFixed(1)} MB${share}`;
}

declare global {
  interface HTMLElementTagNameMap {
    'ringfence-machine': RingfenceMachine;
  }
}
