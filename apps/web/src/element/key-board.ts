/**
 * The keyboard for fingers: keys by their codes, in rows.
 *
 * On the screen it presses keys; on a serial line it sends the characters that a terminal would.
 */
import { css, html, LitElement } from 'lit';
import type { CSSResultGroup, TemplateResult } from 'lit';

import { theme } from './theme.ts';

/** A key: its code, what it types, what it types with shift, and its width in keys. */
type Key = readonly [code: string, plain: string, shifted?: string, width?: number];

/** A key that was pressed, with the modifiers that are held. */
export interface KeyPress {
  readonly code: string;
  readonly shift: boolean;
  readonly control: boolean;
  readonly alt: boolean;
  /** What a terminal would send. */
  readonly text: string;
}

const escape = '\u001b';

const rows: readonly (readonly Key[])[] = [
  [
    ['Escape', 'Esc', 'Esc', 1.5],
    ...['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10', 'F11', 'F12'].map(
      (name): Key => [name, name],
    ),
  ],
  [
    ['Backquote', '`', '~'],
    ...[...'1234567890'].map((digit, index): Key => {
      return [`Digit${digit}`, digit, [...'!@#$%^&*()'][index] ?? digit];
    }),
    ['Minus', '-', '_'],
    ['Equal', '=', '+'],
    ['Backspace', '⌫', '⌫', 1.5],
  ],
  [
    ['Tab', 'Tab', 'Tab', 1.5],
    ...letters('QWERTYUIOP'),
    ['BracketLeft', '[', '{'],
    ['BracketRight', ']', '}'],
    ['Backslash', '\\', '|'],
  ],
  [
    ['ControlLeft', 'Ctrl', 'Ctrl', 1.75],
    ...letters('ASDFGHJKL'),
    ['Semicolon', ';', ':'],
    ['Quote', "'", '"'],
    ['Enter', 'Enter', 'Enter', 1.75],
  ],
  [
    ['ShiftLeft', 'Shift', 'Shift', 2],
    ...letters('ZXCVBNM'),
    ['Comma', ',', '<'],
    ['Period', '.', '>'],
    ['Slash', '/', '?'],
    ['ArrowUp', '↑'],
    ['Delete', 'Del'],
  ],
  [
    ['AltLeft', 'Alt', 'Alt', 1.5],
    ['Space', 'Space', 'Space', 7],
    ['Home', 'Home', 'Home', 1.25],
    ['End', 'End', 'End', 1.25],
    ['ArrowLeft', '←'],
    ['ArrowDown', '↓'],
    ['ArrowRight', '→'],
  ],
];

/** What terminals send for keys that type nothing (ECMA-48, as xterm does). */
const sequences: Readonly<Record<string, string>> = {
  Escape: escape,
  Tab: '\t',
  Enter: '\r',
  Space: ' ',
  Backspace: '\u007f',
  Delete: `${escape}[3~`,
  ArrowUp: `${escape}[A`,
  ArrowDown: `${escape}[B`,
  ArrowRight: `${escape}[C`,
  ArrowLeft: `${escape}[D`,
  Home: `${escape}[H`,
  End: `${escape}[F`,
  F1: `${escape}OP`,
  F2: `${escape}OQ`,
  F3: `${escape}OR`,
  F4: `${escape}OS`,
  F5: `${escape}[15~`,
  F6: `${escape}[17~`,
  F7: `${escape}[18~`,
  F8: `${escape}[19~`,
  F9: `${escape}[20~`,
  F10: `${escape}[21~`,
  F11: `${escape}[23~`,
  F12: `${escape}[24~`,
};

const modifiers = { ShiftLeft: 'shift', ControlLeft: 'control', AltLeft: 'alt' } as const;
type Modifier = (typeof modifiers)[keyof typeof modifiers];

/** The on-screen keyboard; it tells of keys by the event `key-press`. */
export class KeyBoard extends LitElement {
  static override styles: CSSResultGroup = [
    theme,
    css`
      :host {
        display: block;
        padding: 6px;
        border-top: 1px solid var(--rf-line);
        background: var(--rf-raised);
        touch-action: manipulation;
        user-select: none;
      }
      .row {
        display: flex;
        gap: 4px;
        margin-bottom: 4px;
      }
      .row:last-child {
        margin-bottom: 0;
      }
      button {
        flex: 1 1 0;
        min-width: 0;
        height: 38px;
        padding: 0 2px;
        justify-content: center;
        border-color: var(--rf-line);
        background: var(--rf-background);
        overflow: hidden;
      }
    `,
  ];
  readonly #held = new Set<Modifier>();

  override render(): TemplateResult {
    const isShifted = this.#held.has('shift');
    return html`<div role="group" aria-label="On-screen keyboard">
      ${rows.map(
        (row) =>
          html`<div class="row">
            ${row.map(([code, plain, shifted = plain, width = 1]) => {
              const modifier = modifierOf(code);
              const pressed = modifier === undefined ? null : this.#held.has(modifier);
              return html`<button
                style="flex-grow: ${width}"
                aria-pressed=${pressed ?? 'undefined'}
                @pointerdown=${(event: Event) => event.preventDefault()}
                @click=${() => this.#press(code, plain, shifted)}
              >
                ${isShifted ? shifted : plain}
              </button>`;
            })}
          </div>`,
      )}
    </div>`;
  }

  #press(code: string, plain: string, shifted: string): void {
    const modifier = modifierOf(code);
    if (modifier !== undefined) {
      if (!this.#held.delete(modifier)) this.#held.add(modifier);
    } else {
      const shift = this.#held.has('shift');
      const control = this.#held.has('control');
      const alt = this.#held.has('alt');
      const letter = sequences[code] ?? (shift ? shifted : plain);
      const text = `${alt ? escape : ''}${control ? controlled(letter) : letter}`;
      const detail: KeyPress = { code, shift, control, alt, text };
      this.dispatchEvent(new CustomEvent('key-press', { detail }));
      this.#held.clear();
    }
    this.requestUpdate();
  }
}

function letters(text: string): Key[] {
  return [...text].map((letter): Key => [`Key${letter}`, letter.toLowerCase(), letter]);
}

function modifierOf(code: string): Modifier | undefined {
  return Object.hasOwn(modifiers, code) ? modifiers[code as keyof typeof modifiers] : undefined;
}

/** The control character of a letter (ASCII): its lowest five bits. */
function controlled(text: string): string {
  return text.length === 1 && text >= '@'
    ? String.fromCharCode(text.toUpperCase().charCodeAt(0) & 0x1f)
    : text;
}
