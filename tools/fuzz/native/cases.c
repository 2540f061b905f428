/* Runs the cases of case-kernel.ts that a 32-bit process can have: code and data in segments of a
 * local descriptor table. Standard input: the number of table entries, the entries as arguments of
 * modify_ldt, then cases of 96 bytes; standard output: records of 21 words.
 *
 * Every case is entered and left by a signal: its frame holds the whole state. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/time.h>
#include <unistd.h>
#include <asm/ldt.h>

enum { CASE = 96, WORDS = 21, CODE = 0x20000, DATA = 0x30000, SIZE = 0x10000 };

static uint8_t cases[8192 * CASE];
static uint32_t count, number;
static uint8_t stack[65536];

static int take(void *to, uint32_t bytes) {
  uint8_t *at = to;
  while (bytes > 0) {
    ssize_t got = read(0, at, bytes);
    if (got <= 0) return 0;
    at += got;
    bytes -= got;
  }
  return 1;
}

/* The C library's system calls go through GS, which cases change. */
static int32_t call(int32_t number, int32_t a, const void *b, int32_t c) {
  int32_t result;
  asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

static void leave_process(int status) {
  for (;;) call(SYS_exit_group, status, 0, 0);
}

static void give(const void *from, uint32_t bytes) {
  const uint8_t *at = from;
  while (bytes > 0) {
    int32_t put = call(SYS_write, 1, at, bytes);
    if (put <= 0) leave_process(3);
    at += put;
    bytes -= put;
  }
}

static void pattern(void) {
  uint32_t value = 0x12345678;
  uint32_t *word = (uint32_t *)DATA;
  for (uint32_t index = 0; index < SIZE / 4; index++) {
    word[index] = value;
    value = value * 0x1010101 + 0x1234567;
  }
  for (uint32_t index = 0, selector = 0; selector < 0x4000; index += 32, selector += 8)
    *(uint16_t *)(DATA + index + 4) = (selector & 0x1f8) | 7;
}

static const int general[7] = {REG_EDI, REG_ESI, REG_EBP, REG_EBX, REG_EDX, REG_ECX, REG_EAX};

static void enter(greg_t *g) {
  const uint8_t *one = cases + number * CASE;
  const uint32_t *word = (const uint32_t *)one;
  pattern();
  memcpy((void *)(CODE + 0x100), one + 64, 32);
  g[REG_EIP] = word[0];
  g[REG_CS] = word[1];
  g[REG_EFL] = word[2];
  g[REG_ESP] = word[3];
  g[REG_UESP] = word[3];
  g[REG_SS] = word[4];
  g[REG_ES] = word[5];
  g[REG_DS] = word[6];
  g[REG_FS] = word[7];
  g[REG_GS] = word[8];
  for (int index = 0; index < 7; index++) g[general[index]] = word[9 + index];
}

static void arm(int milliseconds) {
  struct itimerval timer = {{0, 0}, {0, milliseconds * 1000}};
  call(SYS_setitimer, ITIMER_REAL, &timer, 0);
}

static void leave(greg_t *g, int signal, uint32_t cr2) {
  uint32_t record[WORDS] = {number,
                            signal == SIGALRM ? 0xff : (uint32_t)g[REG_TRAPNO],
                            g[REG_ERR],
                            g[REG_EIP],
                            g[REG_CS] & 0xffff,
                            g[REG_EFL]};
  record[6] = g[REG_EDI];
  record[7] = g[REG_ESI];
  record[8] = g[REG_EBP];
  record[9] = g[REG_UESP];
  record[10] = g[REG_EBX];
  record[11] = g[REG_EDX];
  record[12] = g[REG_ECX];
  record[13] = g[REG_EAX];
  record[14] = g[REG_ES] & 0xffff;
  record[15] = g[REG_DS] & 0xffff;
  record[16] = g[REG_FS] & 0xffff;
  record[17] = g[REG_GS] & 0xffff;
  record[18] = g[REG_SS] & 0xffff;
  record[19] = record[1] == 14 ? cr2 : 0;
  uint32_t sum = 0;
  for (uint32_t index = 0; index < SIZE / 4; index++)
    sum = ((sum << 1) | (sum >> 31)) + ((uint32_t *)DATA)[index];
  record[20] = sum;
  give(record, sizeof record);
}

static void handler(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *c = context;
  greg_t *g = c->uc_mcontext.gregs;
  if (signal != SIGUSR1) {
    leave(g, signal, c->uc_mcontext.cr2);
    number++;
  }
  if (number >= count) leave_process(0);
  enter(g);
  arm(200);
}

int main(void) {
  uint32_t entries;
  if (!take(&entries, 4)) return 1;
  for (uint32_t index = 0; index < entries; index++) {
    struct user_desc one;
    if (!take(&one, sizeof one)) return 1;
    if (syscall(SYS_modify_ldt, 0x11, &one, sizeof one) != 0) return 2;
  }
  while (count < 8192 && take(cases + count * CASE, CASE)) count++;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  int all = PROT_READ | PROT_WRITE | PROT_EXEC;
  if (mmap((void *)CODE, 2 * SIZE, all, flags, -1, 0) != (void *)CODE) return 4;
  memset((void *)CODE, 0xcc, SIZE);
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, 0);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGALRM, SIGUSR1};
  for (unsigned index = 0; index < sizeof signals / sizeof *signals; index++)
    sigaction(signals[index], &action, 0);
  raise(SIGUSR1);
  return 5;
}
