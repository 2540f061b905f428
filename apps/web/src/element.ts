/** The element for other pages: importing this script defines `<ringfence-machine>`. */
import { RingfenceMachine } from './element/ringfence-machine.ts';

if (customElements.get('ringfence-machine') === undefined) {
  customElements.define('ringfence-machine', RingfenceMachine);
}

export { RingfenceMachine };
