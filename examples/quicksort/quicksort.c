// Quicksort with the median of three, insertion sort for short ranges, and heapsort where
// partitioning goes badly (Musser, "Introspective sorting and selection algorithms").
//
//   quicksort [COUNT]        default 20000
#include "examples/bench.h"
#include "examples/support.h"

static void swap(int32_t* a, int32_t* b) {
  const int32_t saved = *a;
  *a = *b;
  *b = saved;
}

static void insertion_sort(int32_t* values, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    const int32_t value = values[i];
    size_t at = i;
    while (at > 0 && values[at - 1] > value) {
      values[at] = values[at - 1];
      --at;
    }
    values[at] = value;
  }
}

static void sift_down(int32_t* values, size_t at, size_t count) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= count) return;
    if (child + 1 < count && values[child + 1] > values[child]) ++child;
    if (values[at] >= values[child]) return;
    swap(&values[at], &values[child]);
    at = child;
  }
}

static void heap_sort(int32_t* values, size_t count) {
  for (size_t i = count / 2; i-- > 0;) sift_down(values, i, count);
  for (size_t end = count; end-- > 1;) {
    swap(&values[0], &values[end]);
    sift_down(values, 0, end);
  }
}

static void sort(int32_t* values, size_t count, int depth) {
  while (count > 24) {
    if (depth-- == 0) {
      heap_sort(values, count);
      return;
    }
    int32_t *first = values, *middle = values + count / 2, *last = values + count - 1;
    if (*middle < *first) swap(middle, first);
    if (*last < *middle) {
      swap(last, middle);
      if (*middle < *first) swap(middle, first);
    }
    const int32_t pivot = *middle;
    size_t left = 0, right = count - 1;
    for (;;) {
      while (values[left] < pivot) ++left;
      while (values[right] > pivot) --right;
      if (left >= right) break;
      swap(&values[left++], &values[right--]);
    }
    // Values below the split are at most the pivot, those from it on at least the pivot.
    const size_t split = right + 1;
    sort(values, split, depth);
    values += split;
    count -= split;
  }
  insertion_sort(values, count);
}

static void sort_and_report(const char* name, int32_t* values, size_t count) {
  int depth = 4;
  for (size_t n = count; n > 1; n /= 2) depth += 2;
  sort(values, count, depth);
  for (size_t i = 1; i < count; ++i) {
    if (values[i - 1] > values[i]) fail("not sorted", name);
  }
  printf("%-12s min %d median %d max %d checksum %016llx\n", name, count > 0 ? values[0] : 0,
         count > 0 ? values[count / 2] : 0, count > 0 ? values[count - 1] : 0,
         (unsigned long long)checksum(checksum_start, values, count * sizeof(int32_t)));
}

int main(int argc, char** argv) {
  const size_t count = (size_t)(argc > 1 ? parse_size(argv[1], 500000000) : 20000);
  int32_t* values = allocate(count * sizeof(int32_t));
  struct generator generator = {99};
  bench_start();
  for (size_t i = 0; i < count; ++i) values[i] = (int32_t)next_random(&generator);
  sort_and_report("random", values, count);
  sort_and_report("sorted", values, count);
  for (size_t i = 0; i < count; ++i) values[i] = (int32_t)(count - i);
  sort_and_report("falling", values, count);
  for (size_t i = 0; i < count; ++i) values[i] = (int32_t)(next_random(&generator) % 16);
  sort_and_report("few values", values, count);
  for (size_t i = 0; i < count; ++i) values[i] = (int32_t)(i < count / 2 ? i : count - i);
  sort_and_report("organ pipe", values, count);
  bench_end();
  return 0;
}
