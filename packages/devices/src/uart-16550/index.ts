export { Uart16550, type Uart16550Options } from './device.ts';
export { fcr, ier, iir, lcr, lsr, mcr, msr, uartHertz, uartRegister } from './registers.ts';
