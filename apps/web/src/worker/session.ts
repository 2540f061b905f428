import { createMachine, machineOptions } from '@ringfence/machine';
import type { BootFiles, Machine } from '@ringfence/machine';

import { savedProfile } from '../storage/saved-profile.ts';
import { browserHost } from './browser-host.ts';
import { OpenDrives } from './drives.ts';
import { loadFile } from './load-file.ts';
import type { LoadProgress } from './load-file.ts';
import type {
  CallMessage,
  FileSource,
  FromWorker,
  MachineRequest,
  MouseInput,
  ToWorker,
} from './messages.ts';
import { ProfileKeeper } from './profile-keeper.ts';
import { regionTexts } from './region-texts.ts';
import { ScreenFeed } from './screen-feed.ts';
import { SerialInput } from './serial-input.ts';
import { feedSound } from './sound-feed.ts';

/** Sends a message to the page; what is in `transfer` is handed over. */
export type Post = (message: FromWorker, transfer?: Transferable[]) => void;

/** Files that are read whole before the machine is made; disks are read as they are used. */
const bootFiles: readonly string[] = ['kernel', 'initrd', 'bios', 'vgaBios'];

/** The worker's side of one machine: serves messages and passes on what the machine says. */
export class Session {
  readonly #post: Post;
  readonly #host = browserHost();
  readonly #screen: ScreenFeed;
  #machine: Machine | undefined;
  #profile: ProfileKeeper | undefined;
  #drives: OpenDrives | undefined;
  #input: readonly SerialInput[] = [];
  #buttons = 0;

  constructor(post: Post) {
    this.#post = post;
    this.#screen = new ScreenFeed(post);
  }

  /** Serves a message of the page. */
  receive(message: ToWorker | CallMessage): void {
    const machine = this.#machine;
    switch (message.kind) {
      case 'call':
        void this.#answer(message);
        break;
      case 'watch':
        this.#screen.watch(message.screen);
        break;
      case 'start':
        void machine?.start();
        break;
      case 'pause':
        machine?.pause();
        break;
      case 'reset':
        machine?.reset();
        break;
      case 'hidden':
        void this.#profile?.keep();
        this.#drives?.keep();
        break;
      case 'serial':
        this.#input[message.port]?.write(message.bytes);
        break;
      case 'key':
        if (message.pressed) machine?.keyboard.press(message.code);
        else machine?.keyboard.release(message.code);
        break;
      case 'type':
        machine?.keyboard.type(message.text);
        break;
      case 'mouse':
        this.#moveMouse(message.input);
        break;
    }
  }

  async #answer(message: CallMessage): Promise<void> {
    const { id } = message;
    try {
      const answer = await this.#call(message);
      const transfer = answer instanceof Uint8Array ? [answer.buffer as ArrayBuffer] : [];
      this.#post({ kind: 'answer', id, answer }, transfer);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#post({ kind: 'refusal', id, message: words });
    }
  }

  async #call(message: CallMessage): Promise<unknown> {
    if (message.name === 'create') {
      return this.#create(message.ask);
    }
    const machine = this.#machine;
    if (machine?.inspector === undefined) {
      throw new Error('there is no machine yet');
    }
    const { inspector } = machine;
    switch (message.name) {
      case 'snapshot':
        return machine.snapshot();
      case 'stats':
        return machine.stats();
      case 'screenText':
        return machine.screen.text();
      case 'regions':
        return inspector.regions(message.ask);
      case 'region':
        return regionTexts(inspector, message.ask);
      case 'pages':
        return inspector.pages(message.ask.linear, message.ask.count);
      case 'pointer':
        return inspector.instructionPointer;
      case 'descriptors':
        return inspector.descriptors();
    }
  }

  async #create(request: MachineRequest): Promise<null> {
    const { settings, files, snapshot, forgetDisks = false } = request;
    const progress: LoadProgress = (what, done, of) => {
      this.#post({ kind: 'progress', what, done, of });
    };
    const load = (name: string, source: FileSource): Promise<Uint8Array> =>
      loadFile(name, source, progress);
    const names = Object.entries(files).filter(([name]) => bootFiles.includes(name));
    const profile = savedProfile(settings);
    const goOn = await this.#lendDisks(forgetDisks);
    const opening = OpenDrives.open({ settings, files, forgetDisks }, (fault) => {
      this.#post({ kind: 'fault', message: fault });
    });
    let machine: Machine;
    try {
      const [loaded, file, { drives }] = await Promise.all([
        Promise.all(names.map(async ([name, from]) => [name, await load(name, from)] as const)),
        snapshot === undefined ? undefined : load('snapshot', snapshot),
        opening,
      ]);
      // What the machine before this one translated is for this one already.
      await this.#profile?.keep();
      machine = await createMachine({
        ...machineOptions(settings, Object.fromEntries(loaded) as BootFiles, this.#host),
        ...(drives.length === 0 ? {} : { drives }),
        ...(file === undefined ? {} : { snapshot: file }),
        ...(profile === undefined ? {} : { translationProfile: await profile.read() }),
      });
    } catch (error) {
      await opening.then((opened) => opened.close()).catch(() => undefined);
      await goOn();
      throw error;
    }
    this.#profile?.stop();
    this.#machine?.dispose();
    void this.#drives?.close();
    this.#machine = machine;
    this.#drives = await opening;
    this.#profile = profile === undefined ? undefined : new ProfileKeeper(machine, profile);
    this.#connect(machine);
    return null;
  }

  /**
   * Has a machine whose disks are kept wait without them: only one can have a disk's file open.
   * Returns what to call for it to go on, if the next machine cannot be made. What is to be
   * forgotten cannot be given back.
   */
  async #lendDisks(forgetDisks: boolean): Promise<() => Promise<void>> {
    const [machine, drives] = [this.#machine, this.#drives];
    if (machine === undefined || drives?.areKept !== true) return () => Promise.resolve();
    const wasRunning = machine.state === 'running' || machine.state === 'halted';
    machine.pause();
    await drives.close();
    return async () => {
      try {
        if (forgetDisks) throw new Error('the disks of the machine were to be forgotten');
        await drives.reopen();
        if (wasRunning) void machine.start();
      } catch {
        machine.dispose();
        this.#machine = undefined;
        this.#drives = undefined;
        this.#post({ kind: 'state', state: 'ended' });
      }
    };
  }

  #connect(machine: Machine): void {
    this.#buttons = 0;
    this.#input = machine.serial.map((serial) => new SerialInput(serial));
    this.#screen.connect(machine);
    feedSound(machine, this.#post);
    for (const [port, serial] of machine.serial.entries()) {
      serial.onData((bytes) => {
        const copy = bytes.slice();
        this.#post({ kind: 'serial', port, bytes: copy }, [copy.buffer]);
      });
    }
    machine.on('state', (state) => {
      if (state !== 'disposed') this.#post({ kind: 'state', state });
    });
    machine.on('end', (end) => {
      if (end.reason !== 'disposed') this.#post({ kind: 'end', end });
    });
  }

  #moveMouse({ dx, dy, wheel, buttons }: MouseInput): void {
    const mouse = this.#machine?.mouse;
    if (mouse === undefined) return;
    const names = ['left', 'right', 'middle'] as const;
    for (const [bit, button] of names.entries()) {
      const isHeld = (buttons & (1 << bit)) !== 0;
      if (isHeld === ((this.#buttons & (1 << bit)) !== 0)) continue;
      if (isHeld) mouse.press(button);
      else mouse.release(button);
    }
    this.#buttons = buttons;
    if (dx !== 0 || dy !== 0 || wheel !== 0) mouse.move(dx, dy, wheel);
  }
}
