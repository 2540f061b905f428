import type { MouseInput, ScreenFrame, ToWorker } from '../worker/messages.ts';

/** The order in which PointerEvent.buttons counts: left, right, middle. */
const buttonMask = 7;

/** How a mouse wheel's delta becomes notches. */
const notchPixels = 100;

/** The canvas on which a machine's screen is shown, and the keys and the mouse that it takes. */
export class ScreenView {
  /** The canvas; its size is that of the guest's picture, and styles scale it. */
  readonly canvas: HTMLCanvasElement;
  readonly #send: (message: ToWorker) => void;
  readonly #held = new Set<string>();
  #wheel = 0;

  /** `send` gets what is for the worker. */
  constructor(send: (message: ToWorker) => void) {
    this.#send = send;
    const canvas = document.createElement('canvas');
    canvas.width = 720;
    canvas.height = 400;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute(
      'aria-label',
      "The guest's screen. Keys go to the guest; Control and Alt together give them back.",
    );
    this.canvas = canvas;
    canvas.addEventListener('keydown', (event) => {
      this.#key(event, true);
    });
    canvas.addEventListener('keyup', (event) => {
      this.#key(event, false);
    });
    canvas.addEventListener('blur', () => {
      this.releaseKeys();
    });
    canvas.addEventListener('pointerdown', (event) => {
      canvas.focus();
      this.#mouse(event, 0);
    });
    canvas.addEventListener('pointerup', (event) => {
      this.#mouse(event, 0);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.isCaptured) this.#mouse(event, 0);
    });
    canvas.addEventListener('wheel', (event) => {
      if (!this.isCaptured) return;
      event.preventDefault();
      this.#wheel += event.deltaY / notchPixels;
      const notches = Math.trunc(this.#wheel);
      this.#wheel -= notches;
      if (notches !== 0) this.#mouse(event, notches);
    });
    canvas.addEventListener('contextmenu', (event) => {
      event.preventDefault();
    });
  }

  /** Whether the mouse moves the guest's pointer and not the page's. */
  get isCaptured(): boolean {
    const root = this.canvas.getRootNode();
    return (root instanceof ShadowRoot ? root : document).pointerLockElement === this.canvas;
  }

  /** Gives the mouse to the guest until Escape is pressed. */
  async capture(): Promise<void> {
    this.canvas.focus();
    await this.canvas.requestPointerLock();
  }

  /** Shows a picture. */
  draw({ width, height, pixels }: ScreenFrame): void {
    if (width < 1 || height < 1) return;
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  }

  /** Releases the keys that are held: their release would go elsewhere. */
  releaseKeys(): void {
    for (const code of this.#held) this.#send({ kind: 'key', code, pressed: false });
    this.#held.clear();
  }

  #key(event: KeyboardEvent, pressed: boolean): void {
    const { code } = event;
    if (code === '') return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return; // The guest's keyboard repeats by itself.
    if (pressed) this.#held.add(code);
    else this.#held.delete(code);
    this.#send({ kind: 'key', code, pressed });
    const isAlone = [...this.#held].every((each) => /^(Control|Alt)/.test(each));
    if (pressed && event.ctrlKey && event.altKey && isAlone) {
      document.exitPointerLock();
      this.canvas.blur();
    }
  }

  #mouse(event: PointerEvent | WheelEvent, wheel: number): void {
    const isMove = this.isCaptured && wheel === 0;
    const input: MouseInput = {
      dx: isMove ? event.movementX : 0,
      dy: isMove ? event.movementY : 0,
      wheel,
      buttons: event.buttons & buttonMask,
    };
    this.#send({ kind: 'mouse', input });
  }
}
