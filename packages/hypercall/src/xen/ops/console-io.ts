import { XenError } from '../constants.ts';
import { argument } from './call.ts';
import type { XenHandler } from './call.ts';

/** `console_io`: op 0 writes to the console; all else is the privileged guest's. */
export const serveConsoleIo: XenHandler = (call) => {
  const [op, count, at] = [argument(call, 0), argument(call, 1), argument(call, 2)];
  if (op !== 0) {
    return -XenError.notPermitted;
  }
  for (let done = 0; done < Math.min(count, 0x1_0000); done += 1024) {
    const bytes = Math.min(1024, count - done);
    const view = call.copy.read(at + done, bytes);
    if (view === undefined) {
      return -XenError.fault;
    }
    for (let index = 0; index < bytes; index += 1) {
      call.domain.services.console.write(view.getUint8(index));
    }
  }
  return 0;
};
