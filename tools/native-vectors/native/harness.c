/*
 * Runs instruction cases on the processor itself: reads jobs from standard input, writes one
 * outcome per job to standard output. Built with -m32 it runs 32-bit code (a flat protected-mode
 * process), built with -m64 64-bit code; the two record formats are the same (see README.md).
 *
 * A job is an instruction and the whole state before it. The instruction is put into a region
 * that holds nothing but INT3, so whatever it does ends in a signal: it falls into an INT3, it
 * branches to one, or it faults. The handler runs on a stack of its own, hence the case may leave
 * any value in ESP, and the state after the instruction is what the kernel put into the signal
 * frame (general registers, flags, trap number, error code, CR2, FXSAVE image).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Places, the same as in src/layout.ts. Nothing else is mapped near them. */
#define LANDING_LOW 0x00004000u  /* INT3: where 16-bit branches land */
#define DATA 0x00008000u         /* two pages; the window straddles their border */
#define CODE_REGION 0x00014000u  /* INT3 around the instruction */
#define REGION_BYTES 0x3000u
#define DATA_BYTES 0x2000u
#define WINDOW 0x00008e00u
#define WINDOW_BYTES 1024u
#define INT3 0xcc
#define FX_BYTES 512
#define YMM_BYTES 128
/* In a signal frame: bytes for software in the FXSAVE image, then the header of XSAVE. */
#define FX_MAGIC 464
#define FRAME_MAGIC 0x46505853u
#define XSTATE_AVX 4
#define XSTATE_YMM 576
#define VECTOR_NONE 0xffffffffu

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

struct state {
  uint64_t gpr[16]; /* in encoding order: ax cx dx bx sp bp si di r8.. */
  uint64_t ip;
  uint64_t flags;
  uint16_t segment[8]; /* es cs ss ds fs gs, two unused */
  uint8_t fx[FX_BYTES];
  uint8_t memory[WINDOW_BYTES];
  uint8_t ymm_high[YMM_BYTES]; /* zero without AVX */
};

struct job {
  uint8_t code[16];
  uint32_t code_length;
  uint32_t reserved[3];
  struct state before;
};

struct outcome {
  uint32_t vector; /* VECTOR_NONE: the instruction completed */
  uint32_t error;
  uint64_t cr2;
  struct state after;
};

_Static_assert(sizeof(struct state) == 1824, "layout.ts has this size");
_Static_assert(sizeof(struct job) == 1856, "layout.ts has this size");
_Static_assert(sizeof(struct outcome) == 1840, "layout.ts has this size");

static struct job job __attribute__((aligned(64), used));
static struct outcome outcome __attribute__((aligned(64)));
uint8_t in_fx[FX_BYTES] __attribute__((aligned(64)));
uint8_t in_ymm[YMM_BYTES] __attribute__((aligned(64)));
uint32_t has_avx;
uint64_t in_gpr[16];
uintptr_t in_ip;
uintptr_t in_flags;
uint16_t in_segment[8];
uintptr_t saved_sp;
uint16_t saved_gs;
void run_case(void);
void resume(void);

/* The FPU has its registers by then, with the low halves of the vectors. */
#define LOAD_HIGH_HALVES \
  "  cmpl $0, has_avx\n  je 1f\n" \
  "  vinsertf128 $1, in_ymm+0, %ymm0, %ymm0\n" \
  "  vinsertf128 $1, in_ymm+16, %ymm1, %ymm1\n" \
  "  vinsertf128 $1, in_ymm+32, %ymm2, %ymm2\n" \
  "  vinsertf128 $1, in_ymm+48, %ymm3, %ymm3\n" \
  "  vinsertf128 $1, in_ymm+64, %ymm4, %ymm4\n" \
  "  vinsertf128 $1, in_ymm+80, %ymm5, %ymm5\n" \
  "  vinsertf128 $1, in_ymm+96, %ymm6, %ymm6\n" \
  "  vinsertf128 $1, in_ymm+112, %ymm7, %ymm7\n" \
  "1:\n"

#ifdef __x86_64__
__asm__(".text\n.globl run_case, resume\n"
        "run_case:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rsp, saved_sp\n"
        "  fxrstor64 in_fx\n"
        LOAD_HIGH_HALVES
        "  mov $in_flags, %esp\n  popfq\n"
        "  mov in_gpr+0, %rax\n  mov in_gpr+8, %rcx\n  mov in_gpr+16, %rdx\n"
        "  mov in_gpr+24, %rbx\n  mov in_gpr+40, %rbp\n  mov in_gpr+48, %rsi\n"
        "  mov in_gpr+56, %rdi\n  mov in_gpr+64, %r8\n  mov in_gpr+72, %r9\n"
        "  mov in_gpr+80, %r10\n  mov in_gpr+88, %r11\n  mov in_gpr+96, %r12\n"
        "  mov in_gpr+104, %r13\n  mov in_gpr+112, %r14\n  mov in_gpr+120, %r15\n"
        "  mov in_gpr+32, %rsp\n"
        "  jmp *in_ip\n"
        "resume:\n"
        "  mov saved_sp, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
        "  ret\n");
static const int GREG[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                             REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                             REG_R12, REG_R13, REG_R14, REG_R15};
#define GPR_COUNT 16
#define GREG_IP REG_RIP
#define FX_OFFSET 0
#else
__asm__(".text\n.globl run_case, resume\n"
        "run_case:\n"
        "  push %ebp\n  push %ebx\n  push %esi\n  push %edi\n"
        "  mov %esp, saved_sp\n"
        "  mov %gs, saved_gs\n"
        "  fxrstor in_fx\n"
        LOAD_HIGH_HALVES
        "  mov in_segment+0, %es\n  mov in_segment+8, %fs\n  mov in_segment+10, %gs\n"
        "  mov in_segment+6, %ds\n"
        "  mov $in_flags, %esp\n  popfl\n"
        "  mov in_gpr+0, %eax\n  mov in_gpr+8, %ecx\n  mov in_gpr+16, %edx\n"
        "  mov in_gpr+24, %ebx\n  mov in_gpr+40, %ebp\n  mov in_gpr+48, %esi\n"
        "  mov in_gpr+56, %edi\n  mov in_gpr+32, %esp\n"
        "  jmp *in_ip\n"
        "resume:\n"
        "  mov saved_sp, %esp\n"
        "  pop %edi\n  pop %esi\n  pop %ebx\n  pop %ebp\n"
        "  ret\n");
static const int GREG[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX,
                            REG_ESP, REG_EBP, REG_ESI, REG_EDI};
#define GPR_COUNT 8
#define GREG_IP REG_EIP
/* A 32-bit signal frame has the FSAVE image (108 bytes, status, magic) before the FXSAVE image. */
#define FX_OFFSET 112
#endif

/* The registers that the case left in a strange state are put right before any C code runs. */
static void handler(int signal_number, siginfo_t *info, void *context) {
#ifndef __x86_64__
  __asm__ volatile("mov saved_gs, %%gs\n push $0x202\n popfl" ::: "memory", "cc");
#else
  __asm__ volatile("push $0x202\n popfq" ::: "memory", "cc");
#endif
  (void)signal_number;
  (void)info;
  const mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
  uintptr_t ip = (uintptr_t)machine->gregs[GREG_IP];
  uint32_t vector = (uint32_t)machine->gregs[REG_TRAPNO];
  outcome.vector = vector;
  outcome.error = (uint32_t)machine->gregs[REG_ERR];
#ifdef __x86_64__
  outcome.cr2 = (uint64_t)machine->gregs[REG_CR2];
  uint16_t cs = (uint16_t)machine->gregs[REG_CSGSFS];
  const uint16_t segments[6] = {0, cs, 0, 0, 0, 0};
#else
  outcome.cr2 = machine->cr2;
  const uint16_t segments[6] = {
      (uint16_t)machine->gregs[REG_ES], (uint16_t)machine->gregs[REG_CS],
      (uint16_t)machine->gregs[REG_SS], (uint16_t)machine->gregs[REG_DS],
      (uint16_t)machine->gregs[REG_FS], (uint16_t)machine->gregs[REG_GS]};
#endif
  if (vector == 3) {
    outcome.vector = VECTOR_NONE;
    outcome.error = 0;
    ip -= 1; /* INT3 is a trap: the saved pointer is behind it */
  }
  if (vector != 14) outcome.cr2 = 0;
  for (int i = 0; i < GPR_COUNT; i++) {
    uintptr_t value = (uintptr_t)machine->gregs[GREG[i]];
#ifndef __x86_64__
    if (i == 4) value = (uintptr_t)machine->gregs[REG_ESP];
#endif
    outcome.after.gpr[i] = value;
  }
  outcome.after.ip = ip;
  outcome.after.flags = (uint32_t)machine->gregs[REG_EFL];
  memcpy(outcome.after.segment, segments, sizeof segments);
  const uint8_t *fx = (const uint8_t *)machine->fpregs + FX_OFFSET;
  memcpy(outcome.after.fx, fx, FX_BYTES);
  uint32_t magic;
  memcpy(&magic, fx + FX_MAGIC, sizeof magic);
  int in_use = magic == FRAME_MAGIC && (fx[FX_BYTES] & XSTATE_AVX) != 0;
  if (in_use) memcpy(outcome.after.ymm_high, fx + XSTATE_YMM, YMM_BYTES);
  else memset(outcome.after.ymm_high, 0, YMM_BYTES);
  resume(); /* leaves the handler for good; its stack is used anew by the next signal */
}

static void map_fixed(uintptr_t address, size_t length, int protection) {
  void *wanted = (void *)address;
  void *got = mmap(wanted, length, protection,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != wanted) {
    fprintf(stderr, "harness: cannot map %zu bytes at %p\n", length, wanted);
    exit(2);
  }
}

static void install_handler(void) {
  static uint8_t stack[65536];
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
  if (sigaltstack(&alternate, NULL) != 0) exit(2);
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    if (sigaction(signals[i], &action, NULL) != 0) exit(2);
  }
}

static void execute(void) {
  uint8_t *code = (uint8_t *)(uintptr_t)job.before.ip;
  uint8_t *window = (uint8_t *)(uintptr_t)WINDOW;
  memset((void *)(uintptr_t)DATA, 0, DATA_BYTES);
  memcpy(window, job.before.memory, WINDOW_BYTES);
  memcpy(code, job.code, job.code_length);
  memcpy(in_fx, job.before.fx, FX_BYTES);
  memcpy(in_ymm, job.before.ymm_high, YMM_BYTES);
  memcpy(in_gpr, job.before.gpr, sizeof in_gpr);
  memcpy(in_segment, job.before.segment, sizeof in_segment);
  in_ip = (uintptr_t)job.before.ip;
  in_flags = (uintptr_t)job.before.flags;
  memset(&outcome, 0, sizeof outcome);
  alarm(5); /* a case that loops for ever ends the run: the generator made a mistake */
  run_case();
  alarm(0);
  memcpy(outcome.after.memory, window, WINDOW_BYTES);
  memset(code, INT3, job.code_length);
}

int main(void) {
  map_fixed(LANDING_LOW, REGION_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  map_fixed(CODE_REGION, REGION_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  map_fixed(DATA, DATA_BYTES, PROT_READ | PROT_WRITE);
  memset((void *)(uintptr_t)LANDING_LOW, INT3, REGION_BYTES);
  memset((void *)(uintptr_t)CODE_REGION, INT3, REGION_BYTES);
  install_handler();
  has_avx = __builtin_cpu_supports("avx") != 0;
  while (fread(&job, sizeof job, 1, stdin) == 1) {
    execute();
    if (fwrite(&outcome, sizeof outcome, 1, stdout) != 1) return 3;
  }
  return 0;
}
