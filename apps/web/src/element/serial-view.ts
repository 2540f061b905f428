import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { ITheme } from '@xterm/xterm';

const light: ITheme = {
  background: '#fbfbfc',
  foreground: '#1b1f24',
  cursor: '#0b6bcb',
  cursorAccent: '#ffffff',
  selectionBackground: '#cfe3f8',
};
const dark: ITheme = {
  background: '#101215',
  foreground: '#e4e7eb',
  cursor: '#66b2ff',
  cursorAccent: '#101215',
  selectionBackground: '#2b4a6b',
};

/** Lines that can be scrolled back to. */
const scrollback = 5000;

/** A serial line of a machine as a terminal. */
export class SerialView {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #scheme = matchMedia('(prefers-color-scheme: dark)');
  readonly #observer: ResizeObserver;
  readonly #restyle = (): void => {
    this.#terminal.options.theme = this.#isDark() ? dark : light;
  };
  #container: HTMLElement | undefined;

  /** `send` is called with what is typed. */
  constructor(label: string, send: (bytes: Uint8Array) => void) {
    const encoder = new TextEncoder();
    this.#terminal = new Terminal({
      scrollback,
      fontFamily:
        '"Cascadia Mono", "JetBrains Mono", "DejaVu Sans Mono", "Liberation Mono", monospace',
      fontSize: 14,
      cursorBlink: true,
      // Colours that guests choose for a black screen stay readable on white.
      minimumContrastRatio: 4.5,
      screenReaderMode: false,
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.onData((text) => {
      send(encoder.encode(text));
    });
    this.#terminal.attachCustomKeyEventHandler((event) => {
      if (!givesKeysBack(event)) return true;
      this.#terminal.blur();
      return false;
    });
    this.#terminal.onBinary((text) => {
      send(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    });
    this.#observer = new ResizeObserver(() => {
      this.fit();
    });
    this.#scheme.addEventListener('change', this.#restyle);
    this.#label = label;
  }

  readonly #label: string;

  /** Puts the terminal into an element of the page. */
  open(container: HTMLElement): void {
    if (this.#container === container) return;
    this.#container = container;
    this.#restyle();
    this.#terminal.open(container);
    const hint = 'Keys go to the guest; Control and Alt together give them back.';
    this.#terminal.textarea?.setAttribute('aria-label', `${this.#label}. ${hint}`);
    this.#observer.observe(container);
    this.fit();
  }

  /** Shows bytes that the guest sent. */
  write(bytes: Uint8Array): void {
    this.#terminal.write(bytes);
  }

  /** Empties the terminal, as for another machine. */
  clear(): void {
    this.#terminal.reset();
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** Chooses rows and columns for the element's size. */
  fit(): void {
    if (this.#container !== undefined && this.#container.clientHeight > 0) this.#fit.fit();
  }

  /** Chooses colours anew, after the page's theme changed. */
  restyle(): void {
    this.#restyle();
  }

  /** The text that the terminal holds, without blanks at the ends of lines. */
  text(): string {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_nothing, index) => {
      return active.getLine(index)?.translateToString(true) ?? '';
    });
    return lines.join('\n').trimEnd();
  }

  dispose(): void {
    this.#scheme.removeEventListener('change', this.#restyle);
    this.#observer.disconnect();
    this.#terminal.dispose();
  }

  #isDark(): boolean {
    const element = this.#container;
    const scheme = element === undefined ? '' : getComputedStyle(element).colorScheme;
    if (scheme === 'dark') return true;
    return scheme === 'light' ? false : this.#scheme.matches;
  }
}

/** Whether Control and Alt are pressed together: the next Tab is the page's, as on the screen. */
function givesKeysBack({ type, key, ctrlKey, altKey }: KeyboardEvent): boolean {
  return type === 'keydown' && ctrlKey && altKey && (key === 'Control' || key === 'Alt');
}
