/**
 * Kernels test themselves and their hypervisor by patching their own code: the function tracer
 * changes the first bytes of some 40,000 functions each time it is switched on or off.
 */
import { readFileSync } from 'node:fs';
import { nodeHost } from '@ringfence/cli';
import { debianGuest, type KernelFlavour } from '@ringfence/guest';
import { createMachine } from '@ringfence/machine';
import { describe, expect, it, type TestContext } from 'vitest';

/** Ten take minutes for each kernel and tier; `RINGFENCE_FTRACE=10` asks for them. */
const times = Number(process.env['RINGFENCE_FTRACE'] ?? 3);
const limitMs = 500_000;

/** Switches the tracer on and off under load, and tells how many lines it traced each time. */
const commands = `
mount -t tracefs tracefs /sys/kernel/tracing
cd /sys/kernel/tracing
while :; do md5sum /bin/busybox > /dev/null; done &
i=0
while [ $i -lt ${times} ]; do
  echo function > current_tracer
  ls -R /proc/sys > /dev/null
  head -200 trace > /tmp/trace
  echo nop > current_tracer
  echo "traced $i: $(grep -c '<-' /tmp/trace) lines, $(cat current_tracer)"
  i=$((i + 1))
done
kill %1
cat /proc/sys/kernel/tainted > /tmp/tainted
echo "TRACING-DONE tainted $(cat /tmp/tainted), $(ls /bin | wc -l) programs"
poweroff -f
`;

/** The guest; where it cannot be fetched the test is left out, but never in CI. */
async function guestFor(context: TestContext, flavour: KernelFlavour) {
  try {
    return await debianGuest({ flavour, initramfs: { commands } });
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

describe.each(['686', '686-pae'] as const)("Debian's stock %s kernel", (flavour) => {
  it.for(['interpreter', 'translator'] as const)(
    'switches its function tracer on and off under load: %s',
    async (accel, context) => {
      const { kernel, initrd } = await guestFor(context, flavour);
      const machine = await createMachine({
        memoryBytes: 256 << 20,
        boot: {
          kind: 'kernel',
          kernel: new Uint8Array(readFileSync(kernel)),
          initrd: new Uint8Array(readFileSync(initrd)),
          commandLine: 'console=ttyS0 cryptomgr.notests',
        },
        accel,
        noReboot: true,
        host: nodeHost,
      });
      let output = '';
      machine.serial[0]?.onData((bytes) => (output += Buffer.from(bytes).toString('latin1')));
      const late = setTimeout(() => machine.dispose(), limitMs);
      const end = await machine.start();
      clearTimeout(late);
      machine.dispose();
      expect(end.reason, output.slice(-2000)).toBe('poweroff');
      const traced = [...output.matchAll(/^traced \d+: (\d+) lines, nop\r$/gm)];
      expect(traced).toHaveLength(times);
      for (const [line, count] of traced) expect(Number(count), line).toBeGreaterThan(100);
      expect(output).toMatch(/^TRACING-DONE tainted 0, \d{3} programs\r$/m);
      expect(output).not.toMatch(/Oops|BUG:|WARNING:|ftrace failed|Call Trace/);
    },
  );
});
