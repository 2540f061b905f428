import { html } from 'lit';
import type { TemplateResult } from 'lit';
import {
  Activity,
  Keyboard,
  Maximize,
  Monitor,
  MousePointer2,
  Pause,
  Play,
  RotateCcw,
  SquareTerminal,
  Volume2,
  VolumeX,
} from 'lucide';

import { icon } from './icon.ts';
import type { ElementState, MachineView, RingfenceMachine } from './ringfence-machine.ts';

/** What the toolbar shows and changes. */
export interface ToolbarModel {
  readonly rate: string;
  readonly scale: string;
  readonly hasKeys: boolean;
  readonly hasInspector: boolean;
  readonly isMuted: boolean;
  set(what: ToolbarAction, value: string): void;
}

/** What a control of the toolbar changes. */
export type ToolbarAction = 'view' | 'scale' | 'keys' | 'inspector' | 'full' | 'mouse' | 'sound';

const stateNames: Readonly<Record<ElementState, string>> = {
  none: 'Off',
  loading: 'Loading',
  paused: 'Paused',
  running: 'Running',
  halted: 'Halted',
  ended: 'Ended',
  disposed: 'Off',
};

/** Draws the row of controls above a machine. */
export function toolbar(machine: RingfenceMachine, model: ToolbarModel): TemplateResult {
  const { state, view } = machine;
  const isRunning = state === 'running' || state === 'halted';
  const isThere = isRunning || state === 'paused';
  const isScreen = view === 'screen';
  return html`<div class="toolbar" role="toolbar" aria-label="Machine">
    <button
      class="primary run"
      ?disabled=${!isThere}
      @click=${() => (isRunning ? machine.pause() : machine.start())}
    >
      ${isRunning ? icon(Pause) : icon(Play)} ${isRunning ? 'Pause' : 'Run'}
    </button>
    <button ?disabled=${!isThere} @click=${() => machine.reset()}>${icon(RotateCcw)} Reset</button>
    <div class="tabs" role="tablist" aria-label="View">
      ${tab(view, 'serial', 'Serial', icon(SquareTerminal), model)}
      ${tab(view, 'screen', 'Screen', icon(Monitor), model)}
    </div>
    ${
      isScreen
        ? html`<select
              aria-label="Scale of the screen"
              .value=${model.scale}
              @change=${(event: Event) => {
                model.set('scale', (event.target as HTMLSelectElement).value);
              }}
            >
              <option value="fit">Fit</option>
              <option value="one">1 ×</option>
              <option value="two">2 ×</option>
            </select>
            ${square(
              'Give the mouse to the guest (Escape gives it back)',
              icon(MousePointer2),
              () => {
                model.set('mouse', '');
              },
            )}`
        : ''
    }
    ${square('On-screen keyboard', icon(Keyboard), () => model.set('keys', ''), model.hasKeys)}
    ${square(
      model.isMuted ? 'Switch the sound on' : 'Switch the sound off',
      icon(model.isMuted ? VolumeX : Volume2),
      () => model.set('sound', ''),
    )}
    ${square('Full screen', icon(Maximize), () => model.set('full', ''))}
    <span class="status" role="status">
      <span class="dot ${state}"></span>
      <span>${stateNames[state]}</span>
      <span class="quiet rate">${model.rate}</span>
    </span>
    <rf-snapshots .target=${machine} .ready=${isThere}></rf-snapshots>
    <button
      class="inspect"
      aria-pressed=${model.hasInspector}
      @click=${() => model.set('inspector', '')}
    >
      ${icon(Activity)} Inspector
    </button>
  </div>`;
}

function tab(
  view: MachineView,
  name: MachineView,
  label: string,
  picture: TemplateResult,
  model: ToolbarModel,
): TemplateResult {
  return html`<button
    role="tab"
    aria-selected=${view === name}
    aria-controls=${name}
    @click=${() => model.set('view', name)}
  >
    ${picture} ${label}
  </button>`;
}

function square(
  label: string,
  picture: TemplateResult,
  action: () => void,
  pressed?: boolean,
): TemplateResult {
  return html`<button
    class="square"
    aria-label=${label}
    title=${label}
    aria-pressed=${pressed ?? 'undefined'}
    @click=${action}
  >
    ${picture}
  </button>`;
}
