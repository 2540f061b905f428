/** The worker in which a machine runs: the entry of its script. */
import type { CallMessage, FromWorker, ToWorker } from './messages.ts';
import { Session } from './session.ts';

/** What is used of a worker's global scope, whose types exclude those of a page. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker | CallMessage>) => void) | null;
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const session = new Session((message, transfer = []) => {
  scope.postMessage(message, transfer);
});
scope.onmessage = ({ data }): void => {
  session.receive(data);
};
