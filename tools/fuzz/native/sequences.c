/*
 * Runs sequences of instructions in a child that is traced, so that all of its registers can be set
 * and read: src/native-sequences.ts.
 *
 * From standard input: a count of 32 bits, then records of 1024 bytes: 4 length of the code, 252
 * code, 256 memory, 512 an FXSAVE image. To standard output, for each: 12 words (signal, EIP, EAX,
 * ECX, EDX, EBX, ESP, EBP, ESI, EDI, EFLAGS, 0), 512 bytes an FXSAVE image, 256 memory.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATA 0x20000000
#define CODE 0x30000000

static pid_t child;
static unsigned char record[1024];
static unsigned char state[8192];

/* A sequence that goes on for ever is stopped. */
static void late(int number) {
  (void)number;
  kill(child, SIGSTOP);
}

static unsigned char *map(unsigned address, int rights) {
  int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED;
  return mmap((void *)address, 0x4000, rights, flags, -1, 0);
}

int main(void) {
  unsigned count, data[12];
  unsigned char *memory = map(DATA, PROT_READ | PROT_WRITE);
  unsigned char *code = map(CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
  struct user_regs_struct first, regs;
  struct user_fpxregs_struct image;
  struct iovec vector = {state, sizeof state};
  int status;
  if (fread(&count, 4, 1, stdin) != 1) return 2;
  signal(SIGALRM, late);
  child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    for (;;) pause();
  }
  waitpid(child, &status, 0);
  ptrace(PTRACE_GETREGS, child, 0, &first);
  if (ptrace(PTRACE_GETREGSET, child, NT_X86_XSTATE, &vector) != 0) return 3;
  size_t bytes = vector.iov_len;
  while (count-- > 0 && fread(record, sizeof record, 1, stdin) == 1) {
    memset(code, 0xcc, 512);
    memcpy(code, record + 4, *(unsigned *)record);
    memset(memory, 0, 0x4000);
    memcpy(memory + 0x400, record + 256, 256);
    regs = first;
    regs.eip = CODE;
    regs.ebx = regs.esi = regs.edi = regs.ebp = DATA + 0x400;
    regs.eax = 0x11223344;
    regs.ecx = 3;
    regs.edx = 5;
    regs.esp = DATA + 0xf00;
    regs.orig_eax = -1;
    regs.eflags = 0x202;
    ptrace(PTRACE_SETREGS, child, 0, &regs);
    memcpy(state, record + 512, 464);
    *(unsigned long long *)(state + 512) = 3;
    vector.iov_len = bytes;
    if (ptrace(PTRACE_SETREGSET, child, NT_X86_XSTATE, &vector) != 0) return 4;
    ptrace(PTRACE_CONT, child, 0, 0);
    ualarm(300000, 0);
    while (waitpid(child, &status, 0) < 0) continue;
    ualarm(0, 0);
    if (!WIFSTOPPED(status)) return 5;
    ptrace(PTRACE_GETREGS, child, 0, &regs);
    ptrace(PTRACE_GETFPXREGS, child, 0, &image);
    unsigned words[12] = {WSTOPSIG(status), regs.eip, regs.eax, regs.ecx, regs.edx, regs.ebx,
                          regs.esp, regs.ebp, regs.esi, regs.edi, regs.eflags, 0};
    memcpy(data, words, sizeof data);
    fwrite(data, sizeof data, 1, stdout);
    fwrite(&image, 512, 1, stdout);
    fwrite(memory + 0x400, 256, 1, stdout);
  }
  kill(child, SIGKILL);
  return 0;
}
