// A plugin of QEMU's user-mode emulators that counts what a program executes.
//
//   qemu-aarch64 -plugin counter.so,out=FILE[,blocks=N] PROGRAM...
//
// FILE receives a line `clock COUNT` each time the program asks for the time: how many instructions
// it had executed until then. (A program under the emulator has no vDSO, so that this is a system
// call.) With `blocks` it receives N lines `block TIMES INSTRUCTIONS ADDRESS WORDS` behind them:
// the translated blocks that most instructions were executed in, with their code in hexadecimal.
//
// Each translated block adds its length when it is entered: exact for programs of one thread in
// which no instruction faults. Code that is made at run time is counted as any other.
//
// The interface is version 1 of "QEMU TCG Plugins" (docs/devel/tcg-plugins.rst and
// include/qemu/qemu-plugin.h of QEMU 7.2). Debian packages no header, so what is used of it is
// declared here.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*translated)(qemu_plugin_id_t,
                                                              struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, enum qemu_plugin_op op,
                                              void* counter, uint64_t by);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id,
                                          void (*called)(qemu_plugin_id_t, unsigned vcpu,
                                                         int64_t number, uint64_t, uint64_t,
                                                         uint64_t, uint64_t, uint64_t, uint64_t,
                                                         uint64_t, uint64_t));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*ended)(qemu_plugin_id_t, void*),
                                    void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv);

// clock_gettime of AArch64 and of every other architecture with Linux's generic table.
enum { kClockGettime = 113, kMaxWords = 64 };

struct Block {
  struct Block* next;
  uint64_t entered;
  uint64_t address;
  uint32_t length;
  uint32_t words[kMaxWords];
};

static FILE* out;
static size_t block_lines;
static uint64_t executed;
static struct Block* blocks;

// A block that is translated again, after the emulator has thrown its translations away, counts
// anew.
static struct Block* NewBlock(const struct qemu_plugin_tb* translated) {
  struct Block* block = calloc(1, sizeof *block);
  if (block == NULL) abort();
  block->address = qemu_plugin_tb_vaddr(translated);
  block->length = (uint32_t)qemu_plugin_tb_n_insns(translated);
  for (uint32_t i = 0; i < block->length && i < kMaxWords; ++i) {
    const struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(translated, i);
    if (qemu_plugin_insn_size(instruction) != sizeof block->words[i]) continue;
    memcpy(&block->words[i], qemu_plugin_insn_data(instruction), sizeof block->words[i]);
  }
  block->next = blocks;
  blocks = block;
  return block;
}

static void Translated(qemu_plugin_id_t id, struct qemu_plugin_tb* translated) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(translated, QEMU_PLUGIN_INLINE_ADD_U64, &executed,
                                           qemu_plugin_tb_n_insns(translated));
  if (block_lines == 0) return;
  qemu_plugin_register_vcpu_tb_exec_inline(translated, QEMU_PLUGIN_INLINE_ADD_U64,
                                           &NewBlock(translated)->entered, 1);
}

static void Called(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a, uint64_t b,
                   uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)vcpu, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number == kClockGettime) fprintf(out, "clock %llu\n", (unsigned long long)executed);
}

static uint64_t Weight(const struct Block* block) { return block->entered * block->length; }

static int Heavier(const void* left, const void* right) {
  const uint64_t a = Weight(*(struct Block*const*)left), b = Weight(*(struct Block*const*)right);
  return a < b ? 1 : a > b ? -1 : 0;
}

static void PrintBlocks(void) {
  size_t count = 0;
  for (const struct Block* block = blocks; block != NULL; block = block->next) ++count;
  struct Block** sorted = malloc((count + 1) * sizeof *sorted);
  if (sorted == NULL) abort();
  count = 0;
  for (struct Block* block = blocks; block != NULL; block = block->next) sorted[count++] = block;
  qsort(sorted, count, sizeof *sorted, Heavier);
  for (size_t i = 0; i < count && i < block_lines; ++i) {
    const struct Block* block = sorted[i];
    fprintf(out, "block %llu %u 0x%llx ", (unsigned long long)block->entered, block->length,
            (unsigned long long)block->address);
    for (uint32_t w = 0; w < block->length && w < kMaxWords; ++w) {
      fprintf(out, "%08x", block->words[w]);
    }
    fprintf(out, "\n");
  }
  free(sorted);
}

static void Ended(qemu_plugin_id_t id, void* data) {
  (void)id, (void)data;
  if (block_lines != 0) PrintBlocks();
  fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "out=", 4) == 0) {
      out = fopen(argv[i] + 4, "w");
    } else if (strncmp(argv[i], "blocks=", 7) == 0) {
      block_lines = strtoul(argv[i] + 7, NULL, 10);
    } else {
      fprintf(stderr, "counter: unknown argument %s; known are out=FILE, blocks=N\n", argv[i]);
      return 1;
    }
  }
  if (out == NULL) {
    fprintf(stderr, "counter: out=FILE is needed, with a FILE that can be written\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, Translated);
  qemu_plugin_register_vcpu_syscall_cb(id, Called);
  qemu_plugin_register_atexit_cb(id, Ended, NULL);
  return 0;
}
