/*
 * What a real processor says about code and data descriptors: LAR, LSL, VERR, VERW, and loads of ES and SS,
 * at CPL 3, with descriptors that Linux puts into the LDT (modify_ldt). Prints the rows of
 * src/test-native-descriptors.ts:
 *
 *     gcc -O1 -o descriptors descriptors.c && ./descriptors
 *
 * Row: descriptor low, descriptor high, selector, LAR or -1, LSL or -1, VERR, VERW,
 *      fault of loading ES, fault of loading SS (vector << 16 | error code, 0 for none).
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf escape;
static volatile unsigned fault;

static void handler(int signal, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  (void)signal;
  (void)info;
  fault = (unsigned)uc->uc_mcontext.gregs[REG_TRAPNO] << 16 |
          (unsigned)uc->uc_mcontext.gregs[REG_ERR];
  siglongjmp(escape, 1);
}

static unsigned load_es(unsigned selector) {
  unsigned old;
  asm volatile("mov %%es, %0" : "=r"(old));
  fault = 0;
  if (sigsetjmp(escape, 1) == 0) asm volatile("mov %0, %%es" ::"r"(selector));
  asm volatile("mov %0, %%es" ::"r"(old));
  return fault;
}

static unsigned load_ss(unsigned selector) {
  unsigned old;
  asm volatile("mov %%ss, %0" : "=r"(old));
  fault = 0;
  if (sigsetjmp(escape, 1) == 0) asm volatile("mov %0, %%ss; mov %1, %%ss" ::"r"(selector), "r"(old));
  asm volatile("mov %0, %%ss" ::"r"(old));
  return fault;
}

static void row(unsigned low, unsigned high, unsigned selector) {
  unsigned lar = 0, lsl = 0;
  unsigned char lar_zf, lsl_zf, verr, verw;
  asm volatile("lar %2, %0; setz %1" : "+r"(lar), "=q"(lar_zf) : "r"(selector) : "cc");
  asm volatile("lsl %2, %0; setz %1" : "+r"(lsl), "=q"(lsl_zf) : "r"(selector) : "cc");
  asm volatile("verr %w1; setz %0" : "=q"(verr) : "r"(selector) : "cc");
  asm volatile("verw %w1; setz %0" : "=q"(verw) : "r"(selector) : "cc");
  printf("  [0x%08x, 0x%08x, 0x%x, ", low, high, selector);
  if (lar_zf) printf("0x%x, ", lar);
  else printf("-1, ");
  if (lsl_zf) printf("0x%x, ", lsl);
  else printf("-1, ");
  printf("%d, %d, 0x%x, 0x%x],\n", verr, verw, load_es(selector), load_ss(selector));
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  static char stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  static const unsigned limits[] = {0, 0xfff, 0xfffff};
  sigaltstack(&alternate, 0);
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  for (unsigned bits = 0; bits < 128; bits++) {
    struct user_desc d;
    memset(&d, 0, sizeof d);
    d.entry_number = 1;
    d.base_addr = 0x12345678;
    d.limit = limits[bits % 3];
    d.contents = bits & 3;
    d.read_exec_only = bits >> 2;
    d.seg_32bit = bits >> 3;
    d.limit_in_pages = bits >> 4;
    d.seg_not_present = bits >> 5;
    d.useable = bits >> 6;
    if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d) != 0) continue;
    /* As fill_ldt() of Linux lays it out: accessed, S, DPL 3. */
    unsigned type = 1 | (!d.read_exec_only) << 1 | d.contents << 2;
    unsigned low = (d.base_addr & 0xffff) << 16 | (d.limit & 0xffff);
    unsigned high = (d.base_addr >> 16 & 0xff) | (d.base_addr & 0xff000000) | type << 8 |
                    1 << 12 | 3 << 13 | (unsigned)!d.seg_not_present << 15 |
                    (d.limit & 0xf0000) | (unsigned)d.useable << 20 | d.seg_32bit << 22 |
                    (unsigned)d.limit_in_pages << 23;
    row(low, high, 8 | 4 | 3);
    if (bits % 5 == 0) row(low, high, 8 | 4 | bits % 4);
  }
  return 0;
}
