/** The page around the element: what its address asks for is started at once. */
import '../element.ts';
import { RingfencePage } from './ringfence-page.ts';

customElements.define('ringfence-page', RingfencePage);
