/** An error in what the user asked for or gave; the message is for the user and the status is 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
