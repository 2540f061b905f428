/** The element for other pages: importing this script defines `<ringfence-machine>`. */
import { KeyBoard } from './element/key-board.ts';
import { RingfenceMachine } from './element/ringfence-machine.ts';
import { SnapshotMenu } from './element/snapshot-menu.ts';
import { InspectorPanel } from './inspector/inspector-panel.ts';

const elements: readonly (readonly [name: string, element: CustomElementConstructor])[] = [
  ['rf-keys', KeyBoard],
  ['rf-snapshots', SnapshotMenu],
  ['rf-inspector', InspectorPanel],
  ['ringfence-machine', RingfenceMachine],
];
for (const [name, element] of elements) {
  if (customElements.get(name) === undefined) customElements.define(name, element);
}

export { RingfenceMachine };
