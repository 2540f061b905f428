/** The page around the element: what its address asks for is started at once. */
import '../element.ts';
import { settingsOfUrl } from '../url-settings.ts';
import './page.css';

const machine = document.querySelector('ringfence-machine');
if (machine !== null) {
  const settings = settingsOfUrl(location.search);
  const names = ['kernel', 'initrd', 'bios'] as const;
  const files = Object.fromEntries(
    names.flatMap((name) => {
      const address = settings[name];
      return address === undefined ? [] : [[name, new URL(address, location.href).href]];
    }),
  );
  void machine.boot(settings, files);
}
