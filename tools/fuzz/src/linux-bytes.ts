/** Random bytes, executed by an unprivileged process inside Debian's Linux for some time. */
import { readFileSync } from 'node:fs';
import { nodeHost } from '@ringfence/cli';
import { debianGuest } from '@ringfence/guest';
import { createMachine } from '@ringfence/machine';
import { byteProgram } from './byte-program.ts';

/** A host that is busy is no lockup of the kernel and no stall; a hang ends by the time limit. */
const commandLine = [
  'console=ttyS0 cryptomgr.notests print-fatal-signals=0 quiet',
  'nowatchdog rcupdate.rcu_cpu_stall_suppress=1',
];

/** Rounds of one process. */
const roundsPerProcess = 2000;

/** What a run came to. */
export interface LinuxBytesResult {
  /** How the machine ended; `poweroff` where Linux answered to the end. */
  readonly end: string;
  /** Processes that ran, and those of them that got through all their rounds. */
  readonly processes: number;
  readonly finished: number;
  /** Whether what the kernel says has a sign of trouble. */
  readonly trouble: readonly string[];
  readonly instructions: number;
  readonly seconds: number;
  readonly output: string;
}

/** A run of so many seconds in one tier. */
export interface LinuxBytesOptions {
  readonly accel: 'interpreter' | 'translator';
  readonly seconds: number;
  /** The first process's. */
  readonly seed: number;
}

/** What `/init` does: processes one after the other until the time is over. */
function commandsFor(seconds: number, seed: number): string {
  const octal = [...byteProgram()].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return `
printf '${octal}' > /bytes
chmod 755 /bytes
echo BYTES-BEGIN
now() { cut -d. -f1 /proc/uptime; }
end=$(($(now) + ${seconds}))
i=0; finished=0
while [ $(now) -lt $end ]; do
  timeout -s KILL 60 /bytes $((${seed} + i)) ${roundsPerProcess} < /dev/null > /dev/null 2>&1
  [ $? -eq 42 ] && finished=$((finished + 1))
  i=$((i + 1))
done
echo "BYTES-DONE $i $finished"
dmesg | grep -E 'Oops|BUG:|WARNING:|Call Trace|Kernel panic|rcu.*stall|soft lockup' | head -20
echo "BYTES-ANSWER $(ls /bin | wc -l) programs, $(md5sum < /bin/busybox | cut -c1-8)"
poweroff -f
`;
}

/** Boots Linux, has it execute random bytes, and sees whether it still answers. */
export async function runLinuxBytes(options: LinuxBytesOptions): Promise<LinuxBytesResult> {
  const { accel, seconds, seed } = options;
  const guest = await debianGuest({ initramfs: { commands: commandsFor(seconds, seed) } });
  const machine = await createMachine({
    memoryBytes: 256 << 20,
    boot: {
      kind: 'kernel',
      kernel: new Uint8Array(readFileSync(guest.kernel)),
      initrd: new Uint8Array(readFileSync(guest.initrd)),
      commandLine: commandLine.join(' '),
    },
    accel,
    noReboot: true,
    host: nodeHost,
  });
  let output = '';
  machine.serial[0]?.onData((bytes) => (output += Buffer.from(bytes).toString('latin1')));
  const began = performance.now();
  // A boot may take minutes on a slow machine.
  const late = setTimeout(() => machine.dispose(), 1000 * (2 * seconds + 400));
  const { reason } = await machine.start();
  clearTimeout(late);
  const { instructions } = machine.stats();
  machine.dispose();
  const [, processes = '0', finished = '0'] = /^BYTES-DONE (\d+) (\d+)/m.exec(output) ?? [];
  const answered = /^BYTES-ANSWER \d{3} programs/m.test(output);
  return {
    end: answered ? reason : `${reason}, no answer`,
    processes: Number(processes),
    finished: Number(finished),
    trouble: output.match(/^.*(?:Oops|BUG:|WARNING:|Call Trace|panic|lockup).*$/gm) ?? [],
    instructions: instructions.total,
    seconds: (performance.now() - began) / 1000,
    output,
  };
}
