/** The workloads that run in the Debian guest: shell commands around Debian's busybox. */

/** A workload of the Debian guest. */
export interface LinuxWorkload {
  readonly name: string;
  /** Run before the marker `begin`. */
  readonly prepare?: string;
  readonly commands: string;
  /** It is bound by the CPU: counts for the share of translated instructions. */
  readonly cpuBound: boolean;
}

/** Sixteen copies of busybox, about 32 MB, in the guest's memory. */
const DATA =
  '[ -f /tmp/data ] || ' +
  'for i in 1 2 3 4 5 6 7 8; do cat /bin/busybox /bin/busybox; done > /tmp/data';
const NUMBERS =
  "[ -f /tmp/numbers ] || awk 'BEGIN{x=1;for(i=0;i<60000;i++){x=(x*16807)%2147483647;print x}}' > /tmp/numbers";

const loop = (count: number, body: string): string =>
  `i=0; while [ $i -lt ${count} ]; do ${body}; i=$((i+1)); done`;

/** The workloads, in the order in which they run. */
export const linuxWorkloads: readonly LinuxWorkload[] = [
  { name: 'sha256sum', prepare: DATA, commands: 'sha256sum /tmp/data', cpuBound: true },
  { name: 'md5sum', prepare: DATA, commands: 'md5sum /tmp/data', cpuBound: true },
  {
    name: 'gzip',
    commands: 'for i in 1 2 3 4; do gzip -c /bin/busybox | wc -c; done',
    cpuBound: true,
  },
  { name: 'shell-loop', commands: `${loop(60_000, ':')}; echo $i`, cpuBound: true },
  { name: 'fork-exec', commands: `${loop(200, '/bin/true')}; echo $i`, cpuBound: false },
  { name: 'ls-sys', commands: 'ls -R /sys > /dev/null; ls -R /sys > /dev/null', cpuBound: false },
  {
    name: 'pipeline',
    commands: `${loop(60, 'echo $i | sed s/1/2/ | cat | wc -c > /dev/null')}; echo $i`,
    cpuBound: false,
  },
  {
    name: 'awk-float',
    commands:
      'awk \'BEGIN{s=0;for(i=1;i<200000;i++)s=s*0.9375+i*1.25/(i+0.375);printf "%.9f\\n",s}\'',
    cpuBound: true,
  },
  { name: 'sort', prepare: NUMBERS, commands: 'sort -n /tmp/numbers | md5sum', cpuBound: true },
];

/** The shell commands that make a guest wait for names of workloads on its console. */
export function linuxCommands(): string {
  const cases = linuxWorkloads.map(
    ({ name, prepare, commands }) =>
      `${name})\n${prepare ?? ':'}\necho "@@begin ${name}"\n${commands}\necho "@@end ${name}"\n;;`,
  );
  const choice = `case $name in\n${cases.join('\n')}\nesac`;
  return `stty -echo\necho "@@ready"\nwhile read name; do\n${choice}\ndone\n`;
}
