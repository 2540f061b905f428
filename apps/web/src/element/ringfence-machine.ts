/**
 * The element `<ringfence-machine>`: a PC with its screen, its serial line and what runs it.
 */
import terminalStyles from '@xterm/xterm/css/xterm.css?inline';
import { html, LitElement, unsafeCSS } from 'lit';
import type { CSSResultGroup, TemplateResult } from 'lit';
import type { MachineState, MachineStats, Settings } from '@ringfence/machine';
import { defaultSettings, MachineError } from '@ringfence/machine';

import { MachineClient } from '../machine-client.ts';
import type { MachineEvent } from '../machine-client.ts';
import type { MachineFiles } from '../worker/messages.ts';
import type { KeyPress } from './key-board.ts';
import { machineStyles } from './machine-styles.ts';
import { endText, progressText, rateText } from './machine-texts.ts';
import { ScreenView } from './screen-view.ts';
import { Speaker } from './speaker.ts';
import { SerialView } from './serial-view.ts';
import { diskSettings, settingsOfAttributes } from './settings-of-attributes.ts';
import { theme } from './theme.ts';
import { toolbar } from './toolbar.ts';
import type { ToolbarAction } from './toolbar.ts';

/** Which part of the machine is shown. */
export type MachineView = 'serial' | 'screen';

/** What the machine is doing, and what comes before there is one. */
export type ElementState = MachineState | 'none' | 'loading';

/** How often counters are read while the machine runs, in milliseconds. */
const statsMs = 1000;

/** The custom element; see README.md for its attributes, methods and events. */
export class RingfenceMachine extends LitElement {
  static override styles: CSSResultGroup = [theme, unsafeCSS(terminalStyles), machineStyles];
  /** The machine in its worker. */
  readonly client: MachineClient = new MachineClient((event) => {
    this.#hear(event);
  });
  readonly #serial = new SerialView('Serial port 0', (bytes) => {
    this.client.send({ kind: 'serial', port: 0, bytes });
  });
  readonly #screen = new ScreenView((message) => {
    this.client.send(message);
  });
  /** What the guest's speaker sounds through. */
  readonly speaker: Speaker = new Speaker();
  #state: ElementState = 'none';
  #view: MachineView = 'serial';
  #scale = 'fit';
  #hasKeys = false;
  #hasInspector = false;
  #notice = '';
  #rate = '';
  readonly #progress = new Map<string, string>();
  #settings: Settings = defaultSettings;
  #files: MachineFiles = {};
  #last: MachineStats | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** What the machine is doing. */
  get state(): ElementState {
    return this.#state;
  }

  /** The text that the terminal of serial port 0 holds. */
  get serialText(): string {
    return this.#serial.text();
  }

  /** Which part is shown. */
  get view(): MachineView {
    return this.#view;
  }

  set view(view: MachineView) {
    this.#view = view;
    this.client.send({ kind: 'watch', screen: view === 'screen' });
    this.requestUpdate();
    void this.updateComplete.then(() => {
      this.#serial.fit();
      this.focusView();
    });
  }

  /**
   * Makes a machine in place of the one before, and starts it. With `forgetDisks` what the browser
   * kept of its disks goes away first.
   */
  async boot(
    settings: Settings = defaultSettings,
    files: MachineFiles = {},
    { forgetDisks = false }: { readonly forgetDisks?: boolean } = {},
  ): Promise<void> {
    this.#settings = settings;
    this.#files = files;
    await this.#make({ settings, files, forgetDisks });
  }

  /** Goes on from a snapshot, with the disks that were given to `boot`. */
  async restore(snapshot: Blob | string): Promise<void> {
    const { translationProfile } = this.#settings;
    const profile = translationProfile === undefined ? {} : { translationProfile };
    const settings = { ...defaultSettings, ...profile, ...diskSettings(this.#settings) };
    await this.#make({ settings, files: this.#files, snapshot });
  }

  /** Lets the machine run, or go on. */
  start(): void {
    this.client.send({ kind: 'start' });
  }

  /** Lets the machine stand still. */
  pause(): void {
    this.client.send({ kind: 'pause' });
  }

  /** Presses the reset button. */
  reset(): void {
    this.client.send({ kind: 'reset' });
  }

  /** Types text on the keyboard. */
  type(text: string): void {
    this.client.send({ kind: 'type', text });
  }

  /** Returns the machine's state as a file. */
  snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    return this.client.call('snapshot', null);
  }

  /** Returns the machine's counters. */
  stats(): Promise<MachineStats> {
    return this.client.stats();
  }

  /** Returns the text of the screen. */
  screenText(): Promise<string> {
    return this.client.call('screenText', null);
  }

  /** Gives keys to the part that is shown. */
  focusView(): void {
    if (this.#view === 'serial') this.#serial.focus();
    else this.#screen.canvas.focus();
  }

  /** Chooses the terminal's colours anew, after the page changed its colour scheme. */
  restyle(): void {
    this.#serial.restyle();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => void this.#readStats(), statsMs);
    for (const name of ['pointerdown', 'keydown']) this.addEventListener(name, this.#unlock);
    document.addEventListener('visibilitychange', this.#tellHidden);
    // An element with attributes is a machine as it stands; others wait for `boot`.
    if (this.hasAttribute('autostart')) {
      try {
        const { settings, files } = settingsOfAttributes(this);
        this.boot(settings, files).catch(() => undefined);
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
        this.say(error.message);
      }
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    document.removeEventListener('visibilitychange', this.#tellHidden);
    this.speaker.silence();
    this.pause();
  }

  override firstUpdated(): void {
    const container = this.renderRoot.querySelector<HTMLElement>('.line');
    if (container !== null) this.#serial.open(container);
    this.renderRoot.querySelector('.screen')?.prepend(this.#screen.canvas);
  }

  override render(): TemplateResult {
    const isSerial = this.#view === 'serial';
    return html`
      ${toolbar(this, {
        rate: this.#rate,
        scale: this.#scale,
        hasKeys: this.#hasKeys,
        hasInspector: this.#hasInspector,
        isMuted: this.speaker.muted,
        set: (what, value) => {
          this.#set(what, value);
        },
      })}
      <div class="notice" role="alert" ?hidden=${this.#notice === ''}>
        <span>${this.#notice}</span>
        <button class="square" aria-label="Close the message" @click=${() => this.say('')}>
          ×
        </button>
      </div>
      <div class="body">
        <div class="views" @dragover=${(event: Event) => event.preventDefault()}>
          <div id="serial" role="tabpanel" aria-label="Serial" ?hidden=${!isSerial}>
            <div class="line"></div>
          </div>
          <div id="screen" role="tabpanel" aria-label="Screen" ?hidden=${isSerial}>
            <div class="screen ${this.#scale}"></div>
          </div>
          ${
            this.#hasKeys
              ? html`<rf-keys @key-press=${(event: CustomEvent<KeyPress>) => this.#press(event)}>
                </rf-keys>`
              : ''
          }
        </div>
        ${this.#hasInspector ? html`<rf-inspector .client=${this.client}></rf-inspector>` : ''}
      </div>
    `;
  }

  /** Shows a message above the machine; an empty one takes it away. */
  say(text: string): void {
    this.#notice = text;
    this.requestUpdate();
  }

  async #make(request: Parameters<MachineClient['create']>[0]): Promise<void> {
    const before = this.#state;
    this.#setState('loading');
    this.say('');
    this.#last = undefined;
    this.#progress.clear();
    try {
      await this.client.create(request);
      this.#serial.clear();
      this.start();
    } catch (error) {
      // The worker has said so if the machine before this one is gone.
      if (this.#state === 'loading') this.#setState(before === 'loading' ? 'none' : before);
      this.say(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  readonly #unlock = (): void => {
    this.speaker.unlock();
  };

  readonly #tellHidden = (): void => {
    if (document.visibilityState === 'hidden') this.client.send({ kind: 'hidden' });
  };

  #set(what: ToolbarAction, value: string): void {
    if (what === 'view') this.view = value === 'screen' ? 'screen' : 'serial';
    if (what === 'scale') this.#scale = value;
    if (what === 'keys') this.#hasKeys = !this.#hasKeys;
    if (what === 'inspector') this.#hasInspector = !this.#hasInspector;
    if (what === 'full') void this.#toggleFull();
    if (what === 'sound') this.speaker.mute(!this.speaker.muted);
    if (what === 'mouse') void this.#screen.capture();
    this.requestUpdate();
  }

  async #toggleFull(): Promise<void> {
    if (document.fullscreenElement !== null) await document.exitFullscreen();
    else await this.requestFullscreen();
    this.focusView();
  }

  /** A key of the on-screen keyboard: a character for the terminal, strokes for the screen. */
  #press({ detail }: CustomEvent<KeyPress>): void {
    if (this.#view === 'serial') {
      this.client.send({ kind: 'serial', port: 0, bytes: new TextEncoder().encode(detail.text) });
      return;
    }
    const held = [
      ...(detail.control ? ['ControlLeft'] : []),
      ...(detail.alt ? ['AltLeft'] : []),
      ...(detail.shift ? ['ShiftLeft'] : []),
      detail.code,
    ];
    for (const code of held) this.client.send({ kind: 'key', code, pressed: true });
    for (const code of held.reverse()) this.client.send({ kind: 'key', code, pressed: false });
  }

  #hear(event: MachineEvent): void {
    switch (event.kind) {
      case 'serial':
        if (event.port === 0) this.#serial.write(event.bytes);
        break;
      case 'screen':
        this.#screen.draw(event.frame);
        break;
      case 'sound':
        this.speaker.play(event.events);
        break;
      case 'state':
        this.#setState(event.state);
        break;
      case 'end':
        this.say(endText(event.end));
        this.dispatchEvent(new CustomEvent('ringfence-end', { detail: event.end }));
        break;
      case 'fault':
        this.say(event.message);
        break;
      case 'progress':
        // Several files come at once.
        this.#progress.set(event.what, progressText(event));
        this.#rate = [...this.#progress.values()].join(', ');
        this.requestUpdate();
        break;
    }
  }

  #setState(state: ElementState): void {
    this.#state = state;
    if (state !== 'running' && state !== 'halted') this.speaker.silence();
    this.#rate = '';
    this.dispatchEvent(new CustomEvent('ringfence-state', { detail: state }));
    this.requestUpdate();
  }

  async #readStats(): Promise<void> {
    if (this.#state !== 'running') return;
    const stats = await this.client.stats();
    if (this.#last !== undefined) this.#rate = rateText(this.#last, stats);
    this.#last = stats;
    this.requestUpdate();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'ringfence-machine': RingfenceMachine;
  }
}
