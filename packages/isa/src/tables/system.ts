/** System instructions, ports and flags: SDM vol. 1, 5.1.9, 5.1.11, 5.20. */
export const system = `
CLC  |  | F8          |      | 0:c      | 8086
STC  |  | F9          |      | 1:c      | 8086
CMC  |  | F5          |      | r:c w:c  | 8086
CLD  |  | FC          |      | 0:d      | 8086
STD  |  | FD          |      | 1:d      | 8086
CLI  |  | FA          | sens | r:lv 0:i | 8086
STI  |  | FB          | sens | r:lv 1:i | 8086
HLT  |  | F4          | priv |          | 8086
CLAC |  | NP 0F 01 CA | priv | 0:k      | SMAP
STAC |  | NP 0F 01 CB | priv | 1:k      | SMAP

# Ports: #GP depends on CPL, IOPL and the I/O permission map (SDM vol. 1, 18.5).
IN  | AL:w, Ib  | E4 | sens | r:lv | 8086
IN  | eAX:w, Ib | E5 | sens | r:lv | 8086
OUT | Ib, AL    | E6 | sens | r:lv | 8086
OUT | Ib, eAX   | E7 | sens | r:lv | 8086
IN  | AL:w, DX  | EC | sens | r:lv | 8086
IN  | eAX:w, DX | ED | sens | r:lv | 8086
OUT | DX, AL    | EE | sens | r:lv | 8086
OUT | DX, eAX   | EF | sens | r:lv | 8086

# Descriptors. SLDT, STR, SGDT, SIDT, SMSW show privileged state at any ring (unless CR4.UMIP).
SLDT | Rv/Mw:w      | 0F 00 /0 | sens     |     | 286
STR  | Rv/Mw:w      | 0F 00 /1 | sens     |     | 286
LLDT | Rv/Mw        | 0F 00 /2 | priv     |     | 286
LTR  | Rv/Mw        | 0F 00 /3 | priv     |     | 286
VERR | Rv/Mw        | 0F 00 /4 | sens     | w:z | 286
VERW | Rv/Mw        | 0F 00 /5 | sens     | w:z | 286
SGDT | Ms:w         | 0F 01 /0 | f64 sens |     | 286
SIDT | Ms:w         | 0F 01 /1 | f64 sens |     | 286
LGDT | Ms           | 0F 01 /2 | f64 priv |     | 286
LIDT | Ms           | 0F 01 /3 | f64 priv |     | 286
SMSW | Rv/Mw:w      | 0F 01 /4 | sens     |     | 286
LMSW | Rv/Mw        | 0F 01 /6 | priv     |     | 286
LAR  | Gv:rw, Rv/Mw | 0F 02 /r | sens     | w:z | 286
LSL  | Gv:rw, Rv/Mw | 0F 03 /r | sens     | w:z | 286
ARPL | Rz/Mw:rw, Gz | 63 /r    | i64 sens | w:z | 286
CLTS |              | 0F 06    | priv     |     | 286

# Control and debug registers; ModRM.mod is ignored (SDM vol. 2B, MOV).
MOV | Rn:w, Cn | 0F 20 /r | f64 priv | u:oszapc | 386
MOV | Rn:w, Dn | 0F 21 /r | f64 priv | u:oszapc | 386
MOV | Cn:w, Rn | 0F 22 /r | f64 priv | u:oszapc | 386
MOV | Dn:w, Rn | 0F 23 /r | f64 priv | u:oszapc | 386

# Caches and translations.
INVD        |         | 0F 08          | priv     |  | 486
WBINVD      |         | 0F 09          | priv     |  | 486
# Without the feature, F3 has no effect: it is WBINVD there.
WBNOINVD    |         | F3 0F 09       | priv     |  | WBNOINVD
INVLPG      | M:n     | 0F 01 /7       | priv     |  | 486
INVPCID     | Gn, Mdq | 66 0F 38 82 /r | f64 priv |  | INVPCID
CLFLUSH     | Mb      | NP 0F AE /7    |          |  | CLFSH
CLFLUSHOPT  | Mb      | 66 0F AE /7    |          |  | CLFLUSHOPT
CLWB        | Mb      | 66 0F AE /6    |          |  | CLWB
PREFETCHNTA | Mb:n    | 0F 18 /0       |          |  | SSE
PREFETCHT0  | Mb:n    | 0F 18 /1       |          |  | SSE
PREFETCHT1  | Mb:n    | 0F 18 /2       |          |  | SSE
PREFETCHT2  | Mb:n    | 0F 18 /3       |          |  | SSE
PREFETCH    | Mb:n    | 0F 0D /0       |          |  | PREFETCHW
PREFETCHW   | Mb:n    | 0F 0D /1       |          |  | PREFETCHW
PREFETCHWT1 | Mb:n    | 0F 0D /2       |          |  | PREFETCHW
# Reserved encodings behave as PREFETCH or PREFETCHW and never fault: AMD vol. 3, PREFETCHlevel.
PREFETCHW   | Mb:n    | 0F 0D /3       |          |  | PREFETCHW
PREFETCH    | Mb:n    | 0F 0D /4       |          |  | PREFETCHW
PREFETCH    | Mb:n    | 0F 0D /5       |          |  | PREFETCHW
PREFETCH    | Mb:n    | 0F 0D /6       |          |  | PREFETCHW
PREFETCH    | Mb:n    | 0F 0D /7       |          |  | PREFETCHW

# Identification, model-specific registers, counters, random numbers.
CPUID    |      | 0F A2        | sens     |             | CPUID
RDMSR    |      | 0F 32        | priv     |             | MSR
WRMSR    |      | 0F 30        | priv     |             | MSR
RDTSC    |      | 0F 31        | sens     |             | TSC
RDTSCP   |      | 0F 01 F9     | sens     |             | RDTSCP
RDPMC    |      | 0F 33        | sens     |             | PMC
RDPID    | Rn:w | F3 0F C7 /7  | f64 sens |             | RDPID
RDRAND   | Rv:w | NFx 0F C7 /6 |          | w:c 0:oszap | RDRAND
RDSEED   | Rv:w | NFx 0F C7 /7 |          | w:c 0:oszap | RDSEED
RDFSBASE | Ry:w | F3 0F AE /0  | o64      |             | FSGSBASE
RDGSBASE | Ry:w | F3 0F AE /1  | o64      |             | FSGSBASE
WRFSBASE | Ry   | F3 0F AE /2  | o64      |             | FSGSBASE
WRGSBASE | Ry   | F3 0F AE /3  | o64      |             | FSGSBASE
SWAPGS   |      | 0F 01 F8     | o64 priv |             | LM

# System calls.
SYSCALL  |  | 0F 05 | int sens | r:oszapctidlnrvk w:oszapctidlnrvk | SYSCALL
SYSRET/SYSRET/SYSRETQ |  | 0F 07 | ret priv | w:oszapctidlnrvk                  | SYSCALL
SYSENTER |  | 0F 34 | int sens | 0:irv                             | SEP
SYSEXIT/SYSEXIT/SYSEXITQ |  | 0F 35 | ret priv |                                   | SEP
RSM      |  | 0F AA | ret priv | w:oszapctidlnrvk                  | 386SL

# No operation, waiting, ordering.
NOP     |      | 90              |      |  | 8086
PAUSE   |      | F3 90           |      |  | SSE2
NOP     | Ev:n | 0F 1F /0        |      |  | NOPL
WAIT    |      | 9B              |      |  | 8086
MONITOR |      | NP 0F 01 C8     | priv |  | MONITOR
MWAIT   |      | NP 0F 01 C9     | priv |  | MONITOR
# The line is at eAX, as MONITOR's is.
CLZERO  |      | 0F 01 FC        |      |  | CLZERO
LFENCE  |      | NP 0F AE /5 11B |      |  | SSE2
MFENCE  |      | NP 0F AE /6 11B |      |  | SSE2
SFENCE  |      | NP 0F AE /7 11B |      |  | SSE
ENDBR64 |      | F3 0F 1E FA     |      |  | NOPL
ENDBR32 |      | F3 0F 1E FB     |      |  | NOPL
# Reserved no-operations, which later features use for hints: SDM vol. 2D, table A-3.
NOP     | Ev:n | 0F 1F /r        |      |  | NOPL
NOP     | Ev:n | 0F 18 /r        |      |  | NOPL
NOP     | Ev:n | 0F 19 /r        |      |  | NOPL
NOP     | Ev:n | 0F 1A /r        |      |  | NOPL
NOP     | Ev:n | 0F 1B /r        |      |  | NOPL
NOP     | Ev:n | 0F 1C /r        |      |  | NOPL
NOP     | Ev:n | 0F 1D /r        |      |  | NOPL
NOP     | Ev:n | 0F 1E /r        |      |  | NOPL
`;
