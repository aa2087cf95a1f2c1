// The Mandelbrot set: a picture in characters, the number of points in the set and a checksum.
//
//   mandelbrot [SIZE]        default 120: a square of that many points a side
#include "examples/bench.h"
#include "examples/support.h"

enum { limit = 200, picture = 60 };

// How many steps a point takes to leave the circle of radius two; `limit` if it does not.
static int escape_time(double cx, double cy) {
  double x = 0, y = 0;
  for (int i = 0; i < limit; ++i) {
    const double xx = x * x, yy = y * y;
    if (xx + yy > 4) return i;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
  }
  return limit;
}

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? parse_size(argv[1], 20000) : 120);
  unsigned char* times = allocate(size * size);
  uint64_t inside = 0;
  bench_start();
  for (size_t row = 0; row < size; ++row) {
    for (size_t column = 0; column < size; ++column) {
      const double cx = 3.0 * (double)column / (double)size - 2.25;
      const double cy = 3.0 * (double)row / (double)size - 1.5;
      const int time = escape_time(cx, cy);
      times[row * size + column] = (unsigned char)time;
      inside += time == limit;
    }
  }
  bench_end();
  static const char shades[] = " .:-=+*#%";
  for (size_t row = 0; row < picture / 2 && size > 0; ++row) {
    for (size_t column = 0; column < picture; ++column) {
      const int time = times[(row * 2 * size / picture) * size + column * size / picture];
      putchar(time == limit ? '@' : shades[time < 8 ? time : 8]);
    }
    putchar('\n');
  }
  printf("%llu of %llu inside, checksum %016llx\n", (unsigned long long)inside,
         (unsigned long long)(size * size),
         (unsigned long long)checksum(checksum_start, times, size * size));
  return 0;
}
