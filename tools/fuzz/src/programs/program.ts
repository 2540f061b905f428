/** A program for the laboratory. */
export interface LabProgram {
  /** What it shows, as a sentence. */
  readonly name: string;
  readonly program: string;
  /** Text after the program. */
  readonly data?: string;
  /** What QEMU does differently, and why the difference stands; absent where it does the same. */
  readonly qemu?: string;
}
