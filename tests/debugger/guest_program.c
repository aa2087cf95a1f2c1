/* Debugged by gdb_test.sh, which looks for lines by the comments on them. */
struct point {
  int x;
  long long y;
};

static int total = 5;

__attribute__((noinline)) int inner(int count, struct point *where) {
  int sum = where->x;
  for (int i = 0; i < count; ++i) {
    sum += i * (int)where->y; /* in the loop */
  }
  total += sum; /* behind the loop */
  return sum;
}

__attribute__((noinline)) double outer(int number, float half) {
  struct point place = {number, 3};
  double result = inner(number + 1, &place); /* the call */
  return result + half + total;
}

int main(void) { return (int)outer(3, 0.5f) == 47 ? 0 : 1; }
